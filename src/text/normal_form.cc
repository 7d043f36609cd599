#include "text/normal_form.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

#include <utf8proc.h>

#include "base/utf8.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

// Unicode Standard, section 3.12.
constexpr char32_t kFirstSyllable = 0xAC00;
constexpr char32_t kSyllableCount = 11172;
constexpr char32_t kLeadingBase = 0x1100;
constexpr char32_t kLeadingCount = 19;
constexpr char32_t kVowelBase = 0x1161;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTrailingBase = 0x11A7;
constexpr char32_t kTrailingCount = 28;

// Compatibility decompositions that are younger than the package's tables.
struct CodePointRange {
  char32_t first;
  char32_t last;
};
constexpr CodePointRange kTooYoung[] = {{0x32FF, 0x32FF},   {0xA7F1, 0xA7F4},   {0xAB69, 0xAB69},   {0x10780, 0x107BF},
                                        {0x1CCD6, 0x1CCF9}, {0x1E030, 0x1E06D}, {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9}};

bool is_too_young(char32_t c) {
  return std::any_of(std::begin(kTooYoung), std::end(kTooYoung),
                     [c](const CodePointRange& range) { return c >= range.first && c <= range.last; });
}

uint64_t pair_key(char32_t first, char32_t second) {
  return uint64_t{first} << 32 | second;
}

// Pairs of characters and their primary composites, worked out from the full decompositions.
class Compositions {
 public:
  static const Compositions& instance() {
    static const Compositions compositions;
    return compositions;
  }

  // 0 when there is none.
  char32_t find(char32_t first, char32_t second) const {
    if (first >= kLeadingBase && first < kLeadingBase + kLeadingCount) {
      if (second < kVowelBase || second >= kVowelBase + kVowelCount) return 0;
      return kFirstSyllable + ((first - kLeadingBase) * kVowelCount + (second - kVowelBase)) * kTrailingCount;
    }
    if (first >= kFirstSyllable && first < kFirstSyllable + kSyllableCount &&
        (first - kFirstSyllable) % kTrailingCount == 0 && second > kTrailingBase &&
        second < kTrailingBase + kTrailingCount) {
      return first + (second - kTrailingBase);
    }
    const auto place = m_composites.find(pair_key(first, second));
    return place == m_composites.end() ? 0 : place->second;
  }

 private:
  Compositions() {
    // A composite of n characters is one of n-1 and the last one: shorter ones first.
    for (size_t length = 2; length <= 4; ++length) {
      for (char32_t c = 0; c < 0x30000; ++c) add(c, length);
    }
  }

  void add(char32_t c, size_t length) {
    const CodePointInfo& info = code_point_info(c);
    if (!info.has(kDecomposes) || info.decomposition_length != length) return;
    std::array<char32_t, 3> hangul;
    const auto parts = canonical_decomposition(c, info, &hangul);
    if (code_point_info(parts[0]).combining_class != 0 || info.combining_class != 0) return;
    if (utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->comp_exclusion != 0) return;
    char32_t first = parts[0];
    for (size_t i = 1; i + 1 < parts.size(); ++i) {
      const char32_t composite = find(first, parts[i]);
      if (composite == 0) return;
      first = composite;
    }
    m_composites.emplace(pair_key(first, parts.back()), c);
  }

  std::unordered_map<uint64_t, char32_t> m_composites;
};

// Canonical forms are the package's own; only those of characters that it knows are looked up in utf8proc.
bool has_compatible_form(char32_t c, const CodePointInfo& info) {
  if (info.has(kDecomposes)) return true;
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->decomp_type != 0 && !is_too_young(c);
}

// The characters of a text in their decomposed form, put in canonical order.
class Decomposer {
 public:
  Decomposer(bool is_compatible, std::vector<TextChange>* out) : m_is_compatible(is_compatible), m_out(*out) {}

  void push(char32_t c) {
    const CodePointInfo& info = code_point_info(c);
    if (m_is_compatible && c >= 0xA0 && has_compatible_form(c, info)) {
      std::array<utf8proc_int32_t, 32> parts;
      int boundary = 0;
      const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
      const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(),
                                                 static_cast<utf8proc_ssize_t>(parts.size()), options, &boundary);
      if (count > 0 && static_cast<size_t>(count) <= parts.size()) {
        std::array<char32_t, 32> decomposed;
        std::copy_n(parts.begin(), count, decomposed.begin());
        return push_parts({decomposed.data(), static_cast<size_t>(count)});
      }
    }
    if (!info.has(kDecomposes)) return add(c, 0);
    std::array<char32_t, 3> hangul;
    push_parts(canonical_decomposition(c, info, &hangul));
  }
  void finish() {
    const auto by_class = [](const TextChange& a, const TextChange& b) {
      return code_point_info(a.character).combining_class < code_point_info(b.character).combining_class;
    };
    const auto begin = m_out.begin() + static_cast<std::ptrdiff_t>(m_pending);
    if (m_out.size() - m_pending > 1) std::stable_sort(begin, m_out.end(), by_class);
    m_pending = m_out.size();
  }

 private:
  void push_parts(std::span<const char32_t> parts) {
    int32_t change = 0;
    for (const char32_t part : parts) {
      add(part, change);
      change = 1;
    }
  }
  void add(char32_t c, int32_t change) {
    const bool is_starter = code_point_info(c).combining_class == 0;
    if (is_starter) finish();
    m_out.push_back({c, change});
    if (is_starter) m_pending = m_out.size();
  }

  bool m_is_compatible;
  std::vector<TextChange>& m_out;
  size_t m_pending = 0;  // from here on the order is not final
};

// Composes in place. A composite stands for all that it swallowed, as its change counts.
void compose(std::vector<TextChange>* characters) {
  const Compositions& compositions = Compositions::instance();
  std::vector<TextChange>& text = *characters;
  size_t size = 0;            // of the composed text
  size_t starter = SIZE_MAX;  // where its last starter stands
  uint8_t last_class = 0;     // of the last character that stands between starter and here
  for (const TextChange next : text) {
    const uint8_t combining_class = code_point_info(next.character).combining_class;
    const bool between = starter != SIZE_MAX && size > starter + 1;
    if (starter != SIZE_MAX && (!between || last_class < combining_class)) {
      const char32_t composite = compositions.find(text[starter].character, next.character);
      if (composite != 0) {
        text[starter].character = composite;
        text[starter].change += next.change - 1;
        continue;
      }
    }
    if (combining_class == 0) starter = size;
    last_class = combining_class;
    text[size++] = next;
  }
  text.resize(size);
}

// Whether the form cannot change the text: all below the first character that some form changes.
bool is_unchanged(NormalForm form, std::string_view bytes) {
  // 0xCC starts U+0300; what has a canonical composition alone lies above it, what decomposes from U+00A0 on.
  const uint8_t first = form == NormalForm::kNfc ? 0xCC : 0x80;
  return std::all_of(bytes.begin(), bytes.end(), [first](char c) { return static_cast<uint8_t>(c) < first; });
}

}  // namespace

void normalize(NormalForm form, AlignedText* text) {
  if (is_unchanged(form, text->bytes)) return;
  const bool is_compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  std::vector<TextChange> characters;
  characters.reserve(text->bytes.size());
  Decomposer decomposer(is_compatible, &characters);
  for (size_t position = 0; position < text->bytes.size();) {
    decomposer.push(next_code_point(text->bytes, &position));
  }
  decomposer.finish();
  if (form == NormalForm::kNfc || form == NormalForm::kNfkc) compose(&characters);
  apply_changes(characters, text);
}

}  // namespace vivace
