#include "text/unicode_scripts.h"

#include <algorithm>
#include <span>

#include "text/unicode_data.h"

namespace vivace {

uint16_t script_of(char32_t code_point) {
  const std::span ranges(unicode_data::kScriptRanges, unicode_data::kScriptRangeCount);
  const auto range = std::ranges::lower_bound(ranges, code_point, {}, &unicode_data::UnicodeRange::last);
  return range != ranges.end() && range->first <= code_point ? range->value : kAnyScript;
}

}  // namespace vivace
