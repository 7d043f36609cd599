#include "text/unicode_tables.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <type_traits>

#include "text/unicode_data.h"

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

uint8_t mapped_length(const unicode_data::UnicodeMapping& mapping) {
  uint8_t length = 0;
  while (length < 4 && mapping.mapped[length] != 0) ++length;
  return length;
}

}  // namespace

const UnicodeTables& UnicodeTables::instance() {
  static const UnicodeTables tables;
  return tables;
}

UnicodeTables::UnicodeTables() {
  compress(collect_infos());
}

std::vector<CodePointInfo> UnicodeTables::collect_infos() {
  using unicode_data::kCombiningClassRangeCount;
  using unicode_data::kCombiningClassRanges;
  using unicode_data::kDecompositionCount;
  using unicode_data::kDecompositions;
  using unicode_data::kFlagRangeCount;
  using unicode_data::kFlagRanges;
  using unicode_data::kLowercase;
  using unicode_data::kLowercaseCount;
  std::vector<CodePointInfo> infos(kCodePointCount);
  for (size_t i = 0; i < kFlagRangeCount; ++i) {
    for (uint32_t c = kFlagRanges[i].first; c <= kFlagRanges[i].last; ++c) infos[c].flags = kFlagRanges[i].value;
  }
  for (size_t i = 0; i < unicode_data::kClassRangeCount; ++i) {
    const unicode_data::UnicodeRange& range = unicode_data::kClassRanges[i];
    for (uint32_t c = range.first; c <= range.last; ++c) infos[c].flags |= range.value;
  }
  for (size_t i = 0; i < kCombiningClassRangeCount; ++i) {
    const unicode_data::UnicodeRange& range = kCombiningClassRanges[i];
    for (uint32_t c = range.first; c <= range.last; ++c) infos[c].combining_class = static_cast<uint8_t>(range.value);
  }
  for (size_t i = 0; i < kDecompositionCount; ++i) {
    CodePointInfo& info = infos[kDecompositions[i].code_point];
    info.flags |= kDecomposes;
    info.decomposition_begin = static_cast<uint16_t>(m_mapped.size());
    info.decomposition_length = mapped_length(kDecompositions[i]);
    m_mapped.insert(m_mapped.end(), kDecompositions[i].mapped, kDecompositions[i].mapped + info.decomposition_length);
  }
  for (size_t i = 0; i < kLowercaseCount; ++i) {
    CodePointInfo& info = infos[kLowercase[i].code_point];
    info.flags |= kHasLowercase;
    info.lowercase_begin = static_cast<uint16_t>(m_mapped.size());
    info.lowercase_length = mapped_length(kLowercase[i]);
    m_mapped.insert(m_mapped.end(), kLowercase[i].mapped, kLowercase[i].mapped + info.lowercase_length);
  }
  for (char32_t c = kFirstSyllable; c < kFirstSyllable + kSyllableCount; ++c) infos[c].flags |= kDecomposes;
  return infos;
}

void UnicodeTables::compress(const std::vector<CodePointInfo>& infos) {
  std::map<std::string, uint16_t> info_numbers;
  std::map<std::vector<uint16_t>, uint16_t> block_numbers;
  static_assert(std::has_unique_object_representations_v<CodePointInfo>, "compared and looked up by its bytes");
  CodePointInfo last;
  uint16_t last_number = UINT16_MAX;  // none yet
  const auto info_number = [&](const CodePointInfo& info) {
    if (last_number != UINT16_MAX && info == last) return last_number;  // neighbours are mostly alike
    std::string key(sizeof(info), '\0');
    std::memcpy(key.data(), &info, sizeof(info));
    const auto [place, is_new] = info_numbers.try_emplace(key, static_cast<uint16_t>(m_infos.size()));
    if (is_new) m_infos.push_back(info);
    last = info;
    last_number = place->second;
    return last_number;
  };
  for (uint32_t block = 0; block < m_blocks.size(); ++block) {
    // Most blocks are like the one before; looking each code point up would cost a tenth of a second at every start.
    const CodePointInfo* const begin = infos.data() + size_t{block} * kBlockSize;
    if (block > 0 && std::memcmp(begin, begin - kBlockSize, kBlockSize * sizeof(CodePointInfo)) == 0) {
      m_blocks[block] = m_blocks[block - 1];
      continue;
    }
    std::vector<uint16_t> cells(kBlockSize);
    std::transform(begin, begin + kBlockSize, cells.begin(), info_number);
    const auto [place, is_new] = block_numbers.try_emplace(cells, static_cast<uint16_t>(block_numbers.size()));
    if (is_new) m_cells.insert(m_cells.end(), cells.begin(), cells.end());
    m_blocks[block] = place->second;
  }
}

std::span<const char32_t> UnicodeTables::decomposition(char32_t code_point, const CodePointInfo& info,
                                                       std::array<char32_t, 3>* hangul) const {
  if (!is_hangul_syllable(code_point)) return {m_mapped.data() + info.decomposition_begin, info.decomposition_length};
  const char32_t number = code_point - kFirstSyllable;
  *hangul = {kLeadingBase + number / kSyllablesOfLeading, kVowelBase + number % kSyllablesOfLeading / kTrailingCount,
             kTrailingBase + number % kTrailingCount};
  return {hangul->data(), number % kTrailingCount == 0 ? 2U : 3U};
}

}  // namespace vivace
