#include "kernels/registry.h"

#include <cstdlib>

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace vivace {
namespace {

bool always() {
  return true;
}

#if defined(__x86_64__)
// __builtin_cpu_supports also asks whether the operating system keeps the wide registers (XGETBV).
bool supports_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool supports_avx2_vnni() {
  return supports_avx2() && __builtin_cpu_supports("avxvnni");
}

bool supports_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool supports_avx512_vnni() {
  return supports_avx512() && __builtin_cpu_supports("avx512vnni");
}

bool supports_avx512_vnni_bf16() {
  return supports_avx512_vnni() && __builtin_cpu_supports("avx512bf16");
}

// A Xeon with AMX reaches 88 GFLOP/s with it in a core and 155 in fp32; of AMD, Zen 4 twice its fp32.
std::string_view drawback_of_vdpbf16ps() {
  return __builtin_cpu_is("intel") ? "Intel's CPUs multiply bf16 slower than fp32 without AMX" : "";
}

// Linux keeps the tiles' 8 KiB of a thread only for processes that asked for it (Documentation/arch/x86/xstate.rst).
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool supports_avx512_amx() {
  static const bool supported = supports_avx512_vnni_bf16() && __builtin_cpu_supports("amx-tile") &&
                                __builtin_cpu_supports("amx-int8") && __builtin_cpu_supports("amx-bf16") &&
                                may_use_tiles();
  return supported;
}
#endif

constexpr KernelTableEntry kTables[] = {
#if defined(__x86_64__)
    {&kernel_table_avx512_amx,
     "avx512f, avx512bw, avx512dq, avx512vl, avx512vnni, avx512bf16, amx-tile, amx-int8, amx-bf16, or leave of the "
     "system to use AMX",
     supports_avx512_amx},
    {&kernel_table_avx512_vnni_bf16, "avx512f, avx512bw, avx512dq, avx512vl, avx512vnni, avx512bf16",
     supports_avx512_vnni_bf16, drawback_of_vdpbf16ps},
    {&kernel_table_avx512_vnni, "avx512f, avx512bw, avx512dq, avx512vl, avx512vnni", supports_avx512_vnni},
    {&kernel_table_avx512, "avx512f, avx512bw, avx512dq, avx512vl", supports_avx512},
    {&kernel_table_avx2_vnni, "avx2, fma, avxvnni", supports_avx2_vnni},
    {&kernel_table_avx2, "avx2, fma", supports_avx2},
#endif
    {&kernel_table_generic, "nothing", always},
};

std::string known_names() {
  std::string names;
  for (const auto& entry : kTables) names += (names.empty() ? "" : ", ") + std::string(entry.table->name);
  return names;
}

}  // namespace

std::span<const KernelTableEntry> kernel_tables() {
  return kTables;
}

Result<const KernelTable*> select_kernel_table(std::string_view name) {
  if (name.empty()) {
    if (const char* environment = std::getenv("VIVACE_ISA")) name = environment;
  }
  for (const auto& entry : kTables) {
    if (name.empty() && entry.supported() && entry.drawback().empty()) return entry.table;
    if (name != entry.table->name) continue;
    if (entry.supported()) return entry.table;
    return error(StatusCode::kUnsupported, "instruction set '" + std::string(name) + "' needs " +
                                               std::string(entry.required_features) + ", which this CPU lacks");
  }
  return error(StatusCode::kInvalidArgument,
               "instruction set '" + std::string(name) + "' is unknown; use one of " + known_names());
}

std::vector<std::string> explain_other_tables(const KernelTable& chosen) {
  std::vector<std::string> lines;
  bool faster = true;
  for (const auto& entry : kTables) {
    if (entry.table == &chosen) {
      faster = false;
      continue;
    }
    std::string reason = "slower than the chosen one";
    if (!entry.supported()) {
      reason = "the CPU lacks some of " + std::string(entry.required_features);
    } else if (faster && !entry.drawback().empty()) {
      reason = std::string(entry.drawback());
    } else if (faster) {
      reason = "another one was asked for";
    }
    lines.push_back(std::string(entry.table->name) + ": " + reason);
  }
  return lines;
}

}  // namespace vivace
