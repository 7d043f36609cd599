#include "text/word_cache.h"

namespace vivace {

WordCache::WordCache() : m_slots(std::make_unique<Slot[]>(kSlots)) {}

// The first free slot of a word's set, else one that the word's hash chooses.
size_t WordCache::slot_for(const Key& key) const {
  const size_t home = home_slot(key);
  for (size_t way = 0; way < kWays; ++way) {
    if ((m_slots[home ^ way].words[0].load(std::memory_order_relaxed) & kSizeBits) == 0) return home ^ way;
  }
  return home ^ (key.hash % kWays);
}

void WordCache::store(const Key& key, uint32_t code_points, std::span<const int32_t> ids,
                      std::span<const TokenOffset> offsets) {
  if (ids.size() > kMaxTokens) return;
  Slot& slot = m_slots[slot_for(key)];
  uint64_t head = slot.words[0].load(std::memory_order_relaxed);
  if ((head & kVersionStep) != 0) return;
  const uint64_t version = head & ~(kVersionStep - 1);
  if (!slot.words[0].compare_exchange_strong(head, version + kVersionStep, std::memory_order_acquire)) return;
  std::array<int32_t, kMaxTokens> kept{};
  uint64_t packed = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    kept[i] = ids[i];
    packed |= (static_cast<uint64_t>(offsets[i].begin) | (static_cast<uint64_t>(offsets[i].end) << 5U)) << (10 * i);
  }
  for (size_t i = 0; i < 3; ++i) {
    slot.words[1 + i].store(key.words[i], std::memory_order_release);
    const uint64_t pair =
        static_cast<uint32_t>(kept[2 * i]) | (uint64_t{static_cast<uint32_t>(kept[2 * i + 1])} << 32U);
    slot.words[4 + i].store(pair, std::memory_order_release);
  }
  slot.words[7].store(packed, std::memory_order_release);
  const uint64_t counts = key.size | (ids.size() << kTokenShift) | (uint64_t{code_points} << kCodePointShift);
  slot.words[0].store(version + 2 * kVersionStep + counts, std::memory_order_release);
}

}  // namespace vivace
