// The kernel tables of this build. Those of AVX-512, AVX-VNNI and AMX are there a second time in emulation
// (*_emulation_testing.h), which runs on any CPU that has AVX2.
#pragma once

#include <string>
#include <vector>

#include "kernels/registry.h"

namespace vivace {

#ifdef VIVACE_EMULATES_TABLES
extern const KernelTable kernel_table_avx2_vnni_emulated;
extern const KernelTable kernel_table_avx512_emulated;
extern const KernelTable kernel_table_avx512_vnni_emulated;
extern const KernelTable kernel_table_avx512_vnni_bf16_emulated;
extern const KernelTable kernel_table_avx512_amx_emulated;
#endif

struct TestedTable {
  std::string name;
  KernelTableEntry entry;
};

inline std::vector<TestedTable> tested_tables() {
  std::vector<TestedTable> tables;
  for (const KernelTableEntry& entry : kernel_tables()) tables.push_back({entry.table->name, entry});
#ifdef VIVACE_EMULATES_TABLES
  const auto supported = [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); };
  tables.push_back({"avx2_vnni_emulated", {&kernel_table_avx2_vnni_emulated, "avx2, fma", supported}});
  tables.push_back({"avx512_emulated", {&kernel_table_avx512_emulated, "avx2, fma", supported}});
  tables.push_back({"avx512_vnni_emulated", {&kernel_table_avx512_vnni_emulated, "avx2, fma", supported}});
  tables.push_back({"avx512_vnni_bf16_emulated", {&kernel_table_avx512_vnni_bf16_emulated, "avx2, fma", supported}});
  tables.push_back({"avx512_amx_emulated", {&kernel_table_avx512_amx_emulated, "avx2, fma", supported}});
#endif
  return tables;
}

}  // namespace vivace
