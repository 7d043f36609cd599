#include "text/bpe_merges.h"

#include <algorithm>
#include <array>
#include <bit>

namespace vivace {
namespace {

uint64_t pair_of(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32U) | static_cast<uint32_t>(right);
}

}  // namespace

// Long runs of tokens: a heap of candidate merges over a linked list. A candidate is stale when its tokens have
// changed.
class BpeMergeHeap {
 public:
  BpeMergeHeap(const BpeMerges& merges, std::span<ModelToken> tokens)
      : m_merges(merges), m_tokens(tokens), m_previous(tokens.size()), m_next(tokens.size()) {
    m_heap.reserve(tokens.size());
    for (uint32_t i = 0; i < tokens.size(); ++i) {
      m_previous[i] = i == 0 ? kNone : i - 1;
      m_next[i] = i + 1 == tokens.size() ? kNone : i + 1;
    }
    for (uint32_t i = 0; i + 1 < tokens.size(); ++i) push(i);
  }

  size_t run() {
    while (!m_heap.empty()) {
      std::pop_heap(m_heap.begin(), m_heap.end(), later);
      const Candidate best = m_heap.back();
      m_heap.pop_back();
      if (!is_current(best)) continue;
      merge(best);
    }
    size_t count = 0;
    for (uint32_t i = 0; i != kNone; i = m_next[i]) m_tokens[count++] = m_tokens[i];
    return count;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr int32_t kGone = -1;  // the id of a token that was merged into the one before

  struct Candidate {
    uint32_t rank;
    uint32_t position;
    int32_t id;
  };
  static bool later(const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  }

  void push(uint32_t position) {
    const BpeMerges::Target target = m_merges.find(m_tokens[position], m_tokens[m_next[position]]);
    if (target.rank == BpeMerges::kNoRank) return;
    m_heap.push_back({.rank = target.rank, .position = position, .id = target.id});
    std::push_heap(m_heap.begin(), m_heap.end(), later);
  }

  bool is_current(const Candidate& candidate) const {
    const uint32_t i = candidate.position;
    if (m_tokens[i].id == kGone || m_next[i] == kNone) return false;
    const BpeMerges::Target target = m_merges.find(m_tokens[i], m_tokens[m_next[i]]);
    return target.rank != BpeMerges::kNoRank && target.id == candidate.id;
  }

  void merge(const Candidate& candidate) {
    const uint32_t left = candidate.position;
    const uint32_t right = m_next[left];
    m_tokens[left].id = candidate.id;
    m_tokens[left].end = m_tokens[right].end;
    m_tokens[right].id = kGone;
    m_next[left] = m_next[right];
    if (m_next[left] != kNone) m_previous[m_next[left]] = left;
    if (m_previous[left] != kNone) push(m_previous[left]);
    if (m_next[left] != kNone) push(left);
  }

  const BpeMerges& m_merges;
  std::span<ModelToken> m_tokens;
  std::vector<uint32_t> m_previous;
  std::vector<uint32_t> m_next;
  std::vector<Candidate> m_heap;
};

BpeMerges::BpeMerges(std::span<const BpeMerge> merges) {
  const size_t size = std::bit_ceil(2 * merges.size() + 2);
  m_shift = 64 - std::countr_zero(size);
  m_slots.resize(size);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = pair_of(merges[rank].left, merges[rank].right);
    m_slots[slot_of(pair)] = {.pair = pair, .target = {.rank = static_cast<uint32_t>(rank), .id = merges[rank].merged}};
  }
}

// The slot that holds the pair, or the free one where it would be.
size_t BpeMerges::slot_of(uint64_t pair) const {
  size_t slot = (pair * 0x9E3779B97F4A7C15U) >> m_shift;
  while (m_slots[slot].pair != pair && m_slots[slot].pair != UINT64_MAX) slot = (slot + 1) & (m_slots.size() - 1);
  return slot;
}

BpeMerges::Target BpeMerges::find(const ModelToken& left, const ModelToken& right) const {
  return m_slots[slot_of(pair_of(left.id, right.id))].target;
}

size_t BpeMerges::merge_short(std::span<ModelToken> tokens) const {
  std::array<Target, kShort> targets;  // targets[i]: what tokens i and i + 1 become
  size_t count = tokens.size();
  for (size_t i = 0; i + 1 < count; ++i) targets[i] = find(tokens[i], tokens[i + 1]);
  while (count > 1) {
    Target* const end = targets.data() + count - 1;
    const Target* const best =
        std::min_element(targets.data(), end, [](const Target& a, const Target& b) { return a.rank < b.rank; });
    if (best->rank == kNoRank) break;
    const size_t i = static_cast<size_t>(best - targets.data());
    tokens[i].id = best->id;
    tokens[i].end = tokens[i + 1].end;
    std::copy(tokens.begin() + static_cast<ptrdiff_t>(i) + 2, tokens.begin() + static_cast<ptrdiff_t>(count),
              tokens.begin() + static_cast<ptrdiff_t>(i) + 1);
    std::copy(targets.data() + i + 1, end, targets.data() + i);
    --count;
    if (i > 0) targets[i - 1] = find(tokens[i - 1], tokens[i]);
    if (i + 1 < count) targets[i] = find(tokens[i], tokens[i + 1]);
  }
  return count;
}

void BpeMerges::apply(size_t first, std::vector<ModelToken>* tokens) const {
  const std::span<ModelToken> run = std::span(*tokens).subspan(first);
  if (run.size() < 2) return;
  const size_t count = run.size() <= kShort ? merge_short(run) : BpeMergeHeap(*this, run).run();
  tokens->resize(first + count);
}

}  // namespace vivace
