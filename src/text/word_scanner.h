// The words of a text, one after the other, as text/word_cuts.h cuts it: the places of 64 bytes are found at once.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "text/byte_masks.h"
#include "text/word_cuts.h"

namespace vivace {

class WordScanner {
 public:
  static constexpr size_t kBlock = kMaskedBytes;

  // Both must outlive the scanner. The text is not empty, and below 2 GiB.
  WordScanner(const WordCuts& cuts, std::string_view text)
      : m_cuts(cuts), m_text(text), m_last(text.size() - 1), m_line_feeds(cuts.blanks['\n'] ? ~uint64_t{0} : 0) {}

  // The ends of the next words, as many as there is room for (at least kBlock): cuts, and last the end of the text.
  // None when all words have been had.
  std::span<const uint32_t> next_ends(std::span<uint32_t> room) {
    size_t count = 0;
    while (m_next < m_last && count + kBlock / 2 < room.size()) {
      const size_t block = m_next;
      for (uint64_t cuts = next_cuts(); cuts != 0; cuts &= cuts - 1) {
        room[count++] = static_cast<uint32_t>(block + static_cast<size_t>(std::countr_zero(cuts)));
      }
    }
    if (m_next >= m_last && !m_has_ended && count < room.size()) {
      room[count++] = static_cast<uint32_t>(m_text.size());
      m_has_ended = true;
    }
    return room.first(count);
  }

 private:
  // A bit for each cut in the next block. Only bytes before m_last: a cut is followed by a character.
  uint64_t next_cuts() {
    const size_t left = std::min(m_last - m_next, kBlock);
    const ByteMasks masks = next_masks(left);
    const uint64_t follows_graphic = (masks.graphic << 1U) | m_ends_graphic;
    m_ends_graphic = masks.graphic >> (kBlock - 1);
    const uint64_t next_is_not_ascii = static_cast<uint8_t>(m_text[m_next + left]) >> 7U;
    const uint64_t before_other = (masks.non_ascii >> 1U) | (next_is_not_ascii << (left - 1));
    const uint64_t blanks = masks.spaces | (masks.line_feeds & m_line_feeds);
    const uint64_t cuts = blanks & follows_graphic & ~before_other;
    m_next += kBlock;
    return m_cuts.is_all_graphic_plain ? cuts : cuts_after_plain(cuts);
  }

  // Of the next bytes, so many as are left before m_last, or a block.
  ByteMasks next_masks(size_t left) const {
    if (left == kBlock) return masks_of(m_text.data() + m_next);
    std::array<char, kBlock> copy{};
    std::memcpy(copy.data(), m_text.data() + m_next, left);
    return masks_of(copy.data());
  }

  // Those of the last block's cuts that follow a plain character.
  uint64_t cuts_after_plain(uint64_t cuts) const {
    uint64_t kept = 0;
    for (; cuts != 0; cuts &= cuts - 1) {
      const size_t place = m_next - kBlock + static_cast<size_t>(std::countr_zero(cuts));
      if (m_cuts.plain[static_cast<uint8_t>(m_text[place - 1])]) kept |= cuts & -cuts;
    }
    return kept;
  }

  const WordCuts& m_cuts;
  std::string_view m_text;
  size_t m_last;                // byte of the text
  uint64_t m_line_feeds;        // all bits: there may be cuts before them
  size_t m_next = 0;            // where the next block begins
  uint64_t m_ends_graphic = 0;  // 1: the last block ended with a graphic character
  bool m_has_ended = false;
};

}  // namespace vivace
