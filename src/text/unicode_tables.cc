#include "text/unicode_tables.h"

namespace vivace {
namespace {

// Unicode Standard, section 3.12: a Hangul syllable's letters follow from its number.
constexpr char32_t kFirstSyllable = 0xAC00;
constexpr char32_t kSyllableCount = 11172;
constexpr char32_t kLeadingBase = 0x1100;
constexpr char32_t kVowelBase = 0x1161;
constexpr char32_t kTrailingBase = 0x11A7;
constexpr char32_t kTrailingCount = 28;
constexpr char32_t kSyllablesOfLeading = 21 * kTrailingCount;

bool is_hangul_syllable(char32_t c) {
  return c >= kFirstSyllable && c < kFirstSyllable + kSyllableCount;
}

}  // namespace

std::span<const char32_t> canonical_decomposition(char32_t code_point, const CodePointInfo& info,
                                                  std::array<char32_t, 3>* hangul) {
  if (!is_hangul_syllable(code_point)) {
    return {unicode_data::kMapped + info.decomposition_begin, info.decomposition_length};
  }
  const char32_t number = code_point - kFirstSyllable;
  *hangul = {kLeadingBase + number / kSyllablesOfLeading, kVowelBase + number % kSyllablesOfLeading / kTrailingCount,
             kTrailingBase + number % kTrailingCount};
  return {hangul->data(), number % kTrailingCount == 0 ? 2U : 3U};
}

}  // namespace vivace
