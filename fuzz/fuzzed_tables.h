// The kernel tables that are compared with the generic one.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "kernels/tested_tables_testing.h"

namespace vivace {

// Every table once: as this CPU runs it where it can, else in emulation.
inline const std::vector<const KernelTable*>& fuzzed_tables() {
  static const std::vector<const KernelTable*> tables = [] {
    std::vector<const KernelTable*> found;
    for (const TestedTable& tested : tested_tables()) {
      const KernelTable* table = tested.entry.table;
      const bool known = std::ranges::any_of(
          found, [&](const KernelTable* other) { return std::string_view(other->name) == table->name; });
      if (table != &kernel_table_generic && tested.entry.supported() && !known) found.push_back(table);
    }
#ifdef VIVACE_EMULATES_TABLES
    CHECK(!__builtin_cpu_supports("avx2") || found.size() + 1 == kernel_tables().size());  // all but the generic one
#endif
    return found;
  }();
  return tables;
}

}  // namespace vivace
