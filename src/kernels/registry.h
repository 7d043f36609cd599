// Which kernel tables this build has, which of them this CPU can run, and which one is used.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kernels/kernel_table.h"

namespace vivace {

struct KernelTableEntry {
  const KernelTable* table;
  std::string_view required_features;  // "avx2, fma"
  bool (*supported)();                 // this CPU and operating system can run it
  // Why a slower table is better on this CPU, in a few words; nothing where none is.
  std::string_view (*drawback)() = [] { return std::string_view(); };
};

// All tables of this build, the fastest first; the last, generic, runs everywhere.
std::span<const KernelTableEntry> kernel_tables();

// The table of that name; with an empty name the one that the environment variable VIVACE_ISA names, else the fastest
// that this CPU supports and that has no drawback there. kInvalidArgument for an unknown name, kUnsupported for one
// this CPU cannot run.
Result<const KernelTable*> select_kernel_table(std::string_view name);

// One line for each table but the chosen one, saying why it is not used: "avx512: the CPU lacks avx512f, …".
std::vector<std::string> explain_other_tables(const KernelTable& chosen);

}  // namespace vivace
