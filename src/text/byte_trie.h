// A double-array trie over byte strings: one array access per byte, no pointers. Immutable, thread-safe.
//
// Reading: J. Aoe, "An efficient digital search algorithm by using a double-array structure", IEEE TSE 15 (1989).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace vivace {

class ByteTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kDead = UINT32_MAX;
  static constexpr int32_t kNoValue = -1;

  struct Match {
    size_t length = 0;
    int32_t value = kNoValue;
  };

  // Keys are not empty and differ from each other; values are ≥ 0.
  explicit ByteTrie(const std::vector<std::pair<std::string_view, int32_t>>& keys);

  // The node one byte further, or kDead. node must not be kDead.
  Node step(Node node, uint8_t byte) const {
    const Node next = m_units[node].base ^ byte;
    return m_units[next].parent == node ? next : kDead;
  }
  int32_t value(Node node) const { return m_values[node]; }

  // The longest key that text starts with.
  Match longest_prefix(std::string_view text) const;

 private:
  // Child c of node s stands at base(s) ^ c and names s as its parent. base is always within the array, in a whole
  // block of 256 units, so that step() needs no bounds check.
  struct Unit {
    uint32_t base;
    uint32_t parent;
  };
  friend class ByteTrieBuilder;

  std::vector<Unit> m_units;
  std::vector<int32_t> m_values;
};

}  // namespace vivace
