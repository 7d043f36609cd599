// Short words with the tokens that they became, so that a word that comes again is not split again. One table of fixed
// size (1 MiB), shared by all threads without locks; a new word takes the place of an older one.
//
// A slot is one cache line. Its first field is a version, odd while it is being written (a sequence lock): readers take
// what they read only if the version did not change meanwhile, writers that meet another leave the slot to that one.
//
// What finds a word stands here and has as few branches as can be: it runs for every word of every text, and which
// word comes next no processor can foresee.
//
// Reading: H. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "text/token_sequence.h"

namespace vivace {

class WordCache {
 public:
  static constexpr size_t kMaxBytes = 24;  // of a word
  static constexpr size_t kMaxTokens = 6;
  static constexpr size_t kUnknown = SIZE_MAX;
  // Offsets are within the word, so at most kMaxBytes.
  struct Entry {
    uint32_t token_count = 0;
    uint32_t code_points = 0;  // of the word
    std::array<uint64_t, kMaxTokens / 2> id_pairs{};
    uint64_t packed_offsets = 0;

    int32_t id(size_t token) const { return static_cast<int32_t>(id_pairs[token / 2] >> (32 * (token % 2))); }
    TokenOffset offset(size_t token) const {
      const uint64_t bits = packed_offsets >> (10 * token);
      return {static_cast<int32_t>(bits & 31U), static_cast<int32_t>((bits >> 5U) & 31U)};
    }
  };

  // A word as the table compares it: its bytes, and zeros behind them.
  struct Key {
    std::array<uint64_t, 3> words{};
    uint64_t size = 0;
    uint64_t hash = 0;
  };
  // Makes keys of a text's words. The text must outlive it.
  class Keys {
   public:
    explicit Keys(std::string_view text);
    // The size bytes (1 to kMaxBytes) of the text from begin on.
    Key at(size_t begin, size_t size) const { return of(source(begin), size); }

    // Where a word that begins there is read; kMaxBytes may be read from it on. The words behind it follow there, but
    // those that begin at tail_begin() or later follow only a word that does so, too.
    const char* source(size_t begin) const {
      return begin < m_tail_begin ? m_text.data() + begin : m_tail.data() + (begin - m_tail_begin);
    }
    size_t tail_begin() const { return m_tail_begin; }
    static Key of(const char* source, size_t size);

   private:
    // By the size of a word: the bytes that it has of what is read for it.
    static constexpr auto kMasks = [] {
      std::array<std::array<uint64_t, 3>, kMaxBytes + 1> masks{};
      for (size_t size = 0; size < masks.size(); ++size) {
        for (size_t i = 0; i < size; ++i) masks[size][i / 8] |= uint64_t{0xFF} << (8 * (i % 8));
      }
      return masks;
    }();

    std::string_view m_text;
    size_t m_tail_begin;
    std::array<char, 2 * kMaxBytes> m_tail{};  // the end of the text, and room to read beyond it
  };

  WordCache();

  bool find(const Key& key, Entry* entry) const {
    const size_t home = home_slot(key);
    for (size_t way = 0; way < kWays; ++way) {
      if (read(m_slots[home ^ way], key, entry)) return true;
    }
    return false;
  }
  // The number of the word's ids, which are copied, or kUnknown. ids: room for kMaxTokens, whatever the number is,
  // since a copy of fixed size needs no loop.
  size_t copy_ids(const Key& key, int32_t* ids) const {
    const size_t home = home_slot(key);
    size_t count = copy_ids(m_slots[home], key, ids);
    for (size_t way = 1; way < kWays && count == kUnknown; ++way) count = copy_ids(m_slots[home ^ way], key, ids);
    return count;
  }
  // Does nothing when there are too many tokens. offsets: one for each id.
  void store(const Key& key, uint32_t code_points, std::span<const int32_t> ids, std::span<const TokenOffset> offsets);

 private:
  static constexpr size_t kSlots = size_t{1} << 14U;
  static constexpr size_t kWays = 4;   // slots that a word may be in
  static constexpr size_t kWords = 8;  // version and counts, 3 of the key, 3 of the ids, the offsets
  // Of a slot's first word: the word's size, the number of tokens, that of code points, and above them the version.
  static constexpr uint64_t kSizeBits = 0xFF;
  static constexpr unsigned kTokenShift = 8;
  static constexpr unsigned kCodePointShift = 16;
  static constexpr uint64_t kVersionStep = uint64_t{1} << 32U;
  struct alignas(64) Slot {
    std::array<std::atomic<uint64_t>, kWords> words;
  };

  // Where a word is looked for first; then in the other slots of its set, whose numbers differ in the last bits.
  static size_t home_slot(const Key& key) {
    return key.hash >> (64U - static_cast<unsigned>(std::countr_zero(kSlots)));
  }
  size_t slot_for(const Key& key) const;
  static bool holds(const Slot& slot, uint64_t head, const Key& key);
  static bool read(const Slot& slot, const Key& key, Entry* entry);
  static size_t copy_ids(const Slot& slot, const Key& key, int32_t* ids);

  std::unique_ptr<Slot[]> m_slots;
};

static_assert(std::endian::native == std::endian::little);

// Whole words are read, and what is too much of them is masked: faster than a copy of any size.
inline WordCache::Keys::Keys(std::string_view text)
    : m_text(text), m_tail_begin(text.size() < kMaxBytes ? 0 : text.size() - kMaxBytes) {
  if (text.size() < kMaxBytes) {
    std::memcpy(m_tail.data(), text.data(), text.size());
  } else {
    std::memcpy(m_tail.data(), text.data() + m_tail_begin, kMaxBytes);
  }
}

// The words are mixed so that every bit reaches the upper bits of the hash, which choose the slot: both halves of one
// product, as wyhash has it.
inline WordCache::Key WordCache::Keys::of(const char* source, size_t size) {
  const std::array<uint64_t, 3>& masks = kMasks[size];
  Key key{.words = {}, .size = size, .hash = 0};
  std::memcpy(&key.words[0], source, 8);
  std::memcpy(&key.words[1], source + 8, 8);
  std::memcpy(&key.words[2], source + 16, 8);
  key.words[0] &= masks[0];
  key.words[1] &= masks[1];
  key.words[2] &= masks[2];
  constexpr uint64_t kFirst = 0x9E3779B97F4A7C15U;
  constexpr uint64_t kSecond = 0xC2B2AE3D27D4EB4FU;
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{key.words[0] ^ std::rotl(key.words[2], 29) ^ kFirst} * (key.words[1] ^ kSecond);
  key.hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
  return key;
}

// Loads that acquire keep the last look at the version behind those of the words; on x86 they cost nothing.
inline bool WordCache::holds(const Slot& slot, uint64_t head, const Key& key) {
  const auto differs = [&](size_t i) { return slot.words[1 + i].load(std::memory_order_acquire) ^ key.words[i]; };
  return (((head ^ key.size) & (kSizeBits | kVersionStep)) | differs(0) | differs(1) | differs(2)) == 0;
}

inline bool WordCache::read(const Slot& slot, const Key& key, Entry* entry) {
  const auto word = [&slot](size_t i) { return slot.words[i].load(std::memory_order_acquire); };
  const uint64_t head = word(0);
  if (!holds(slot, head, key)) return false;
  entry->id_pairs = {word(4), word(5), word(6)};
  entry->packed_offsets = word(7);
  entry->token_count = static_cast<uint32_t>((head >> kTokenShift) & 0xFFU);
  entry->code_points = static_cast<uint32_t>((head >> kCodePointShift) & 0xFFU);
  return slot.words[0].load(std::memory_order_relaxed) == head;
}

inline size_t WordCache::copy_ids(const Slot& slot, const Key& key, int32_t* ids) {
  const uint64_t head = slot.words[0].load(std::memory_order_acquire);
  if (!holds(slot, head, key)) return kUnknown;
  const auto copy = [&](size_t pair) {
    const uint64_t two = slot.words[4 + pair].load(std::memory_order_acquire);
    std::memcpy(ids + 2 * pair, &two, sizeof(two));
  };
  copy(0);
  copy(1);
  copy(2);
  if (slot.words[0].load(std::memory_order_relaxed) != head) return kUnknown;
  return (head >> kTokenShift) & 0xFFU;
}

}  // namespace vivace
