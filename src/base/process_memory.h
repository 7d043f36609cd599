// What this process and the machine have in memory right now.
#pragma once

#include <cstdint>

namespace vivace {

uint64_t resident_bytes();       // of this process
uint64_t peak_resident_bytes();  // the most that it ever had
uint64_t available_bytes();      // that the machine could still give, as far as it says
}  // namespace vivace
