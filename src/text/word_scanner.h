// The words of a text, one after the other, as text/word_cuts.h cuts it.
//
// Blanks are looked for in 64 bytes at once, into a mask with a bit for each: a loop over single bytes costs several
// instructions for each of them, and its end, which no processor can foresee, as much again.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "text/word_cuts.h"

namespace vivace {

// Bit i: byte i of the 64 is a space or a control character.
inline uint64_t mask_of_blanks(const char* bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101U;
  constexpr uint64_t kHighBits = 0x80 * kOnes;
  uint64_t mask = 0;
  for (size_t i = 0; i < 8; ++i) {
    uint64_t eight;
    std::memcpy(&eight, bytes + 8 * i, 8);
    // The highest bit of each byte says whether it is above the space: by itself, or by a carry into it.
    const uint64_t above = ((eight & ~kHighBits) + (0x7F - ' ') * kOnes) | eight;
    // The product brings these bits together in its highest byte, in their order.
    mask |= ((~above & kHighBits) * 0x0002040810204081U >> 56U) << (8 * i);
  }
  return mask;
}

class WordScanner {
 public:
  static constexpr size_t kBlock = 64;

  // Both must outlive the scanner. The text is not empty, and below 2 GiB.
  WordScanner(const WordCuts& cuts, std::string_view text) : m_cuts(cuts), m_text(text), m_last(text.size() - 1) {}

  // The ends of the next words, as many as there is room for (at least kBlock): cuts, and last the end of the text.
  // None when all words have been had.
  std::span<const uint32_t> next_ends(std::span<uint32_t> room) {
    size_t count = 0;
    while (m_next < m_last && count + kBlock / 2 < room.size()) {
      const size_t block = m_next;
      for (uint64_t candidates = next_candidates(); candidates != 0; candidates &= candidates - 1) {
        const size_t place = block + static_cast<size_t>(std::countr_zero(candidates));
        room[count] = static_cast<uint32_t>(place);
        count += m_cuts.is_cut(m_text, place) ? 1 : 0;
      }
    }
    if (m_next >= m_last && !m_has_ended && count < room.size()) {
      room[count++] = static_cast<uint32_t>(m_text.size());
      m_has_ended = true;
    }
    return room.first(count);
  }

 private:
  // A bit for each blank of the next block that is the first of a run: only that follows a plain character. Bytes
  // before m_last only: a cut is followed by a character.
  uint64_t next_candidates() {
    const size_t left = m_last - m_next;
    uint64_t blanks = 0;
    if (left >= kBlock) {
      blanks = mask_of_blanks(m_text.data() + m_next);
    } else if (m_last >= kBlock) {
      blanks = mask_of_blanks(m_text.data() + m_last - kBlock) >> (kBlock - left);
    } else {
      std::array<char, kBlock> copy;
      copy.fill('x');
      std::memcpy(copy.data(), m_text.data() + m_next, left);
      blanks = mask_of_blanks(copy.data());
    }
    const uint64_t firsts = blanks & ~((blanks << 1U) | m_follows_blank);
    m_follows_blank = blanks >> (kBlock - 1);
    m_next += kBlock;
    return firsts;
  }

  const WordCuts& m_cuts;
  std::string_view m_text;
  size_t m_last;                 // byte of the text
  size_t m_next = 0;             // where the next block begins
  uint64_t m_follows_blank = 1;  // the text's first byte is no cut
  bool m_has_ended = false;
};

}  // namespace vivace
