// Small tables of a precompiled normaliser for tests and fuzzers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vivace::testing {

inline std::string unit_bytes(uint32_t unit) {
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>((unit >> shift) & 0xFFU));
  return bytes;
}

inline std::string table_of(const std::vector<uint32_t>& units, const std::string& replacements) {
  std::string bytes = unit_bytes(static_cast<uint32_t>(4 * units.size()));
  for (const uint32_t unit : units) bytes += unit_bytes(unit);
  return bytes + replacements;
}

// 'a' → "X", "a" + U+0301 → never asked for, 'q' → nothing.
inline std::vector<uint32_t> small_trie() {
  std::vector<uint32_t> units(256 + 256, 0);
  const auto node = [&](uint8_t byte, uint32_t value) {
    const uint32_t leaf = 256 + byte;  // child offset: node ^ offset = leaf
    units[byte] = byte | 0x100U | ((byte ^ leaf) << 10U);
    units[leaf] = 0x80000000U | value;
  };
  node('a', 0);
  node('q', 1);
  return units;
}

}  // namespace vivace::testing
