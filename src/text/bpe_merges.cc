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

// A list over the tokens, without moving any before the end: a merge touches its neighbours only, and looking through
// a few numbers for the smallest is faster than keeping them in order.
size_t BpeMerges::merge_short(std::span<ModelToken> tokens) const {
  constexpr uint64_t kNone = UINT64_MAX;
  const size_t size = tokens.size();
  std::array<uint64_t, kShort>
      ranks;  // of token i with the next one, and below it i: the smallest is the leftmost, too
  std::array<int32_t, kShort> merged;  // what they become
  std::array<uint8_t, kShort> next;
  std::array<uint8_t, kShort + 1> previous;
  const auto look_up = [&](size_t i) {
    ranks[i] = kNone;
    if (next[i] == size) return;
    const Target target = find(tokens[i], tokens[next[i]]);
    if (target.rank != kNoRank) ranks[i] = (uint64_t{target.rank} << 8U) | i;
    merged[i] = target.id;
  };
  for (size_t i = 0; i < size; ++i) {
    next[i] = static_cast<uint8_t>(i + 1);
    previous[i + 1] = static_cast<uint8_t>(i);
    look_up(i);
  }
  while (true) {
    uint64_t best = kNone;
    for (size_t i = 0; i < size; ++i) best = std::min(best, ranks[i]);
    if (best == kNone) break;
    const size_t i = best & 0xFFU;
    const size_t gone = next[i];
    tokens[i].id = merged[i];
    tokens[i].end = tokens[gone].end;
    ranks[gone] = kNone;
    next[i] = next[gone];
    previous[next[i]] = static_cast<uint8_t>(i);
    look_up(i);
    if (i > 0) look_up(previous[i]);
  }
  size_t count = 0;
  for (size_t i = 0; i < size; i = next[i]) tokens[count++] = tokens[i];
  return count;
}

void BpeMerges::apply(size_t first, std::vector<ModelToken>* tokens) const {
  const std::span<ModelToken> run = std::span(*tokens).subspan(first);
  if (run.size() < 2) return;
  const size_t count = run.size() <= kShort ? merge_short(run) : BpeMergeHeap(*this, run).run();
  tokens->resize(first + count);
}

}  // namespace vivace
