#include "text/byte_trie.h"

#include <algorithm>
#include <deque>

#include "base/sort_key.h"

namespace vivace {

// Places the nodes of the sorted keys, breadth first. Free units form a list through next_free, so that a place for a
// node's children is found in a bounded number of tries.
class ByteTrieBuilder {
 public:
  ByteTrieBuilder(const std::vector<std::pair<std::string_view, int32_t>>& keys, ByteTrie* trie) : m_trie(trie) {
    m_keys.reserve(keys.size());
    for (const auto& [text, value] : keys) m_keys.push_back({.key = SortKey(text), .value = value});
    std::ranges::sort(m_keys, {}, &Entry::key);
  }

  void build() {
    add_block();
    m_pending.push_back({.node = ByteTrie::kRoot, .begin = 0, .end = m_keys.size(), .depth = 0});
    while (!m_pending.empty()) {
      const Range range = m_pending.front();
      m_pending.pop_front();
      place_children(range);
    }
  }

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr uint32_t kBlock = 256;
  static constexpr int kMaxTries = 64;

  struct Entry {
    SortKey key;
    int32_t value;
    // The key's byte at that place, which is not past its end.
    uint8_t at(size_t place) const {
      constexpr size_t kLeading = sizeof key.leading;
      if (place < kLeading) return static_cast<uint8_t>(key.leading >> (8 * (kLeading - 1 - place)));
      return static_cast<uint8_t>(key.text[place]);
    }
  };
  struct Range {  // the keys that share their first depth bytes, which lead to node
    ByteTrie::Node node;
    size_t begin;
    size_t end;
    size_t depth;
  };

  void add_block() {
    const uint32_t first = static_cast<uint32_t>(m_trie->m_units.size());
    m_trie->m_units.resize(first + kBlock, {0, kNobody});
    m_trie->m_values.resize(first + kBlock, ByteTrie::kNoValue);
    for (uint32_t i = 0; i < kBlock; ++i) m_free.push_back(first + i);
  }

  // The root has no parent either.
  bool is_free(uint32_t unit) const { return unit != ByteTrie::kRoot && m_trie->m_units[unit].parent == kNobody; }

  bool fits(uint32_t base, const std::vector<uint8_t>& labels) const {
    return std::all_of(labels.begin(), labels.end(), [&](uint8_t label) { return is_free(base ^ label); });
  }

  // A base whose child units are all free. Free units that do not fit move to the end of the list; after kMaxTries a
  // new block is opened, which bounds the work on keys that were made to fit badly.
  uint32_t find_base(const std::vector<uint8_t>& labels) {
    for (int tries = 0; tries < kMaxTries && !m_free.empty();) {
      const uint32_t unit = m_free.front();
      m_free.pop_front();
      if (!is_free(unit)) continue;
      m_free.push_back(unit);
      if (fits(unit ^ labels.front(), labels)) return unit ^ labels.front();
      ++tries;
    }
    const uint32_t first = static_cast<uint32_t>(m_trie->m_units.size());
    add_block();
    return first;
  }

  void place_children(const Range& range) {
    size_t begin = range.begin;
    if (begin < range.end && m_keys[begin].key.text.size() == range.depth) {
      m_trie->m_values[range.node] = m_keys[begin].value;
      ++begin;
    }
    std::vector<uint8_t>& labels = m_labels;
    std::vector<size_t>& starts = m_starts;
    labels.clear();
    starts.clear();
    for (size_t i = begin; i < range.end; ++i) {
      const uint8_t label = m_keys[i].at(range.depth);
      if (labels.empty() || labels.back() != label) {
        labels.push_back(label);
        starts.push_back(i);
      }
    }
    if (labels.empty()) return;
    starts.push_back(range.end);
    const uint32_t base = find_base(labels);
    m_trie->m_units[range.node].base = base;
    for (size_t i = 0; i < labels.size(); ++i) {
      m_trie->m_units[base ^ labels[i]].parent = range.node;
      m_pending.push_back(
          {.node = base ^ labels[i], .begin = starts[i], .end = starts[i + 1], .depth = range.depth + 1});
    }
  }

  std::vector<Entry> m_keys;
  ByteTrie* m_trie;
  std::deque<Range> m_pending;
  std::deque<uint32_t> m_free;
  std::vector<uint8_t> m_labels;  // of the node at hand
  std::vector<size_t> m_starts;   // of each label's keys
};

ByteTrie::ByteTrie(const std::vector<std::pair<std::string_view, int32_t>>& keys) {
  ByteTrieBuilder(keys, this).build();
}

ByteTrie::Match ByteTrie::longest_prefix(std::string_view text) const {
  Match match;
  Node node = kRoot;
  for (size_t i = 0; i < text.size(); ++i) {
    node = step(node, static_cast<uint8_t>(text[i]));
    if (node == kDead) break;
    if (m_values[node] != kNoValue) match = {.length = i + 1, .value = m_values[node]};
  }
  return match;
}

}  // namespace vivace
