// A string that is one of many to be sorted, in the order of its bytes: the first eight of them, read as a number,
// decide most comparisons without a look at the string. Borrows the string.
#pragma once

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace vivace {

struct SortKey {
  explicit SortKey(std::string_view string) : text(string) {
    if (!text.empty()) std::memcpy(&leading, text.data(), std::min(text.size(), sizeof leading));
    if constexpr (std::endian::native == std::endian::little) leading = __builtin_bswap64(leading);
  }
  bool operator==(const SortKey& other) const { return leading == other.leading && text == other.text; }
  std::strong_ordering operator<=>(const SortKey& other) const {
    return leading != other.leading ? leading <=> other.leading : text <=> other.text;
  }

  uint64_t leading = 0;
  std::string_view text;
};

}  // namespace vivace
