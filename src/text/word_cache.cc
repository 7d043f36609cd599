#include "text/word_cache.h"

#include <bit>
#include <cstring>

namespace vivace {
namespace {

constexpr uint64_t kVersionStep = uint64_t{1} << 32U;  // versions stand above the counts

// The bytes of each word that a key of a size uses.
constexpr auto kMasks = [] {
  std::array<std::array<uint64_t, 3>, WordCache::kMaxBytes + 1> masks{};
  for (size_t size = 0; size < masks.size(); ++size) {
    for (size_t i = 0; i < size; ++i) masks[size][i / 8] |= uint64_t{0xFF} << (8 * (i % 8));
  }
  return masks;
}();
static_assert(std::endian::native == std::endian::little);

uint64_t counts(uint32_t size, size_t tokens, uint32_t code_points) {
  return size | (tokens << 8U) | (uint64_t{code_points} << 16U);
}

}  // namespace

WordCache::WordCache() : m_slots(std::make_unique<Slot[]>(kSlots)) {}

// Where the text goes on far enough, whole words are read and what is too much of them is masked: faster than a copy of
// any size. They are mixed so that every bit reaches the upper bits, which choose the slot.
WordCache::Key::Key(std::string_view text, size_t begin, size_t size) : m_size(static_cast<uint32_t>(size)) {
  if (text.size() - begin >= kMaxBytes) {
    std::memcpy(m_words.data(), text.data() + begin, kMaxBytes);
    for (size_t i = 0; i < m_words.size(); ++i) m_words[i] &= kMasks[size][i];
  } else {
    std::memcpy(m_words.data(), text.data() + begin, size);
  }
  constexpr uint64_t kFirst = 0x9E3779B97F4A7C15U;
  constexpr uint64_t kSecond = 0xC2B2AE3D27D4EB4FU;
  const uint64_t mixed = (m_words[0] ^ std::rotl(m_words[2], 29) ^ m_size) * kFirst;
  m_hash = (mixed ^ (mixed >> 32U) ^ m_words[1] * kSecond) * kFirst;
}

// Loads that acquire keep the last look at the version behind those of the words; on x86 they cost nothing.
bool WordCache::read(const Slot& slot, const Key& key, Entry* entry) {
  const uint64_t head = slot.words[0].load(std::memory_order_acquire);
  if ((head & 0xFFU) != key.m_size || (head & kVersionStep) != 0) return false;
  for (size_t i = 0; i < key.m_words.size(); ++i) {
    if (slot.words[1 + i].load(std::memory_order_acquire) != key.m_words[i]) return false;
  }
  for (size_t i = 0; i < 3; ++i) {
    const uint64_t pair = slot.words[4 + i].load(std::memory_order_acquire);
    entry->ids[2 * i] = static_cast<int32_t>(static_cast<uint32_t>(pair));
    entry->ids[2 * i + 1] = static_cast<int32_t>(static_cast<uint32_t>(pair >> 32U));
  }
  entry->packed_offsets = slot.words[7].load(std::memory_order_acquire);
  entry->token_count = static_cast<uint32_t>((head >> 8U) & 0xFFU);
  entry->code_points = static_cast<uint32_t>((head >> 16U) & 0xFFU);
  return slot.words[0].load(std::memory_order_relaxed) == head;
}

bool WordCache::find(const Key& key, Entry* entry) const {
  const size_t slot = key.m_hash >> (64U - static_cast<unsigned>(std::countr_zero(kSlots)));
  return read(m_slots[slot], key, entry) || read(m_slots[slot ^ 1U], key, entry);
}

void WordCache::store(const Key& key, uint32_t code_points, std::span<const int32_t> ids,
                      std::span<const TokenOffset> offsets) {
  if (ids.size() > kMaxTokens) return;
  const size_t first = key.m_hash >> (64U - static_cast<unsigned>(std::countr_zero(kSlots)));
  // A free slot of the two, else the one that a bit of the word chooses.
  const bool is_first_free = (m_slots[first].words[0].load(std::memory_order_relaxed) & 0xFFU) == 0;
  const bool is_second_free = (m_slots[first ^ 1U].words[0].load(std::memory_order_relaxed) & 0xFFU) == 0;
  const bool takes_second = !is_first_free && (is_second_free || (key.m_hash & 1U) != 0);
  Slot& slot = m_slots[first ^ (takes_second ? 1U : 0U)];
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
    slot.words[1 + i].store(key.m_words[i], std::memory_order_release);
    const uint64_t pair =
        static_cast<uint32_t>(kept[2 * i]) | (uint64_t{static_cast<uint32_t>(kept[2 * i + 1])} << 32U);
    slot.words[4 + i].store(pair, std::memory_order_release);
  }
  slot.words[7].store(packed, std::memory_order_release);
  slot.words[0].store(version + 2 * kVersionStep + counts(key.m_size, ids.size(), code_points),
                      std::memory_order_release);
}

}  // namespace vivace
