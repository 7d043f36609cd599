// What the `tokenizers` package knows of each code point, in one lookup: its class, combining class, canonical
// decomposition and lowercase form. Built once from the generated rows of unicode_data.h. Immutable, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vivace {

// Bits of CodePointInfo::flags. The first six are those of the generator.
enum CodePointFlag : uint16_t {
  kWhiteSpace = 1,
  kRemovedByCleaning = 2,  // control, format and private-use characters, U+0000 and U+FFFD
  kNonspacingMark = 4,     // an accent
  kPunctuation = 8,
  kChinese = 16,        // gets spaces around it
  kWordCharacter = 32,  // \w of the package's regular expressions
  kDecomposes = 64,     // has a canonical decomposition
  kHasLowercase = 128,
  kLetter = 256,  // \p{L} and \p{N} of the byte-level split
  kNumber = 512,
  kNumeric = 1024,        // a digit to the Digits pre-tokenizer
  kCombiningMark = 2048,  // what StripAccents removes
};

struct CodePointInfo {
  uint16_t flags = 0;
  uint8_t combining_class = 0;
  uint8_t decomposition_length : 4 = 0;
  uint8_t lowercase_length : 4 = 0;
  uint16_t decomposition_begin = 0;  // in m_mapped
  uint16_t lowercase_begin = 0;

  bool has(CodePointFlag flag) const { return (flags & flag) != 0; }
  bool operator==(const CodePointInfo&) const = default;
};

class UnicodeTables {
 public:
  // The one instance of the process.
  static const UnicodeTables& instance();

  // code_point ≤ U+10FFFF.
  const CodePointInfo& at(char32_t code_point) const {
    return m_infos[m_cells[m_blocks[code_point >> kBlockBits] * kBlockSize + (code_point & (kBlockSize - 1))]];
  }

  // The full canonical decomposition of a code point that kDecomposes; a Hangul syllable's is written to *hangul.
  std::span<const char32_t> decomposition(char32_t code_point, const CodePointInfo& info,
                                          std::array<char32_t, 3>* hangul) const;
  std::span<const char32_t> lowercase(const CodePointInfo& info) const {
    return {m_mapped.data() + info.lowercase_begin, info.lowercase_length};
  }

 private:
  static constexpr uint32_t kBlockBits = 7;
  static constexpr uint32_t kBlockSize = 1U << kBlockBits;
  static constexpr uint32_t kCodePointCount = 0x110000;

  UnicodeTables();
  std::vector<CodePointInfo> collect_infos();
  void compress(const std::vector<CodePointInfo>& infos);

  // Most blocks of 128 code points are equal, and there are few different infos: two levels of small indices keep what
  // a text touches in the first-level cache.
  std::array<uint16_t, kCodePointCount / kBlockSize> m_blocks{};
  std::vector<uint16_t> m_cells;
  std::vector<CodePointInfo> m_infos;
  std::vector<char32_t> m_mapped;
};

}  // namespace vivace
