// Whether a file is still what was written: 64 bits that change with any change of the bytes that is likely to happen
// to it. Not against attackers.
#pragma once

#include <cstdint>
#include <string_view>

namespace vivace {

// Computed by that many threads, the caller among them; the answer does not depend on them.
uint64_t checksum(std::string_view bytes, int threads = 1);

}  // namespace vivace
