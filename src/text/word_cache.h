// Short words with the tokens that they became, so that a word that comes again is not split again. One table of fixed
// size (1 MiB), shared by all threads without locks; a new word takes the place of an older one.
//
// A slot is one cache line. Its first field is a version, odd while it is being written (a sequence lock): readers take
// what they read only if the version did not change meanwhile, writers that meet another leave the slot to that one.
//
// Reading: H. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "text/token_sequence.h"

namespace vivace {

class WordCache {
 public:
  static constexpr size_t kMaxBytes = 24;  // of a word
  static constexpr size_t kMaxTokens = 6;
  // Offsets are within the word, so at most kMaxBytes.
  struct Entry {
    uint32_t token_count = 0;
    uint32_t code_points = 0;  // of the word
    std::array<int32_t, kMaxTokens> ids{};
    uint64_t packed_offsets = 0;

    TokenOffset offset(size_t token) const {
      const uint64_t bits = packed_offsets >> (10 * token);
      return {static_cast<int32_t>(bits & 31U), static_cast<int32_t>((bits >> 5U) & 31U)};
    }
  };

  WordCache();

  // A word of a text as the table compares it.
  class Key {
   public:
    // The size bytes (1 to kMaxBytes) of text from begin on.
    Key(std::string_view text, size_t begin, size_t size);

   private:
    friend class WordCache;
    std::array<uint64_t, 3> m_words{};
    uint32_t m_size = 0;
    uint64_t m_hash = 0;
  };

  bool find(const Key& key, Entry* entry) const;
  // Does nothing when there are too many tokens. offsets: one for each id.
  void store(const Key& key, uint32_t code_points, std::span<const int32_t> ids, std::span<const TokenOffset> offsets);

 private:
  static constexpr size_t kSlots = size_t{1} << 14U;
  static constexpr size_t kWords = 8;  // version and counts, 3 of the key, 3 of the ids, the offsets
  struct alignas(64) Slot {
    std::array<std::atomic<uint64_t>, kWords> words;
  };
  static bool read(const Slot& slot, const Key& key, Entry* entry);

  std::unique_ptr<Slot[]> m_slots;
};

}  // namespace vivace
