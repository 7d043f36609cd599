#include "text/regex_properties.h"

#include <array>
#include <vector>

#include <oniguruma.h>

#include "text/unicode_data.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

struct Property {
  std::string_view text;  // behind \p or \P
  const char* name;
  CodePointFlag flag;
};
constexpr std::array<Property, 2> kProperties = {
    {{"{L}", "MeasuredLetter", kLetter}, {"{N}", "MeasuredNumber", kNumber}}};

// Oniguruma's form: how many ranges, then the first and last code point of each.
std::vector<OnigCodePoint> ranges_of(CodePointFlag flag) {
  std::vector<OnigCodePoint> ranges = {0};
  for (size_t i = 0; i < unicode_data::kClassRangeCount; ++i) {
    const unicode_data::UnicodeRange& range = unicode_data::kClassRanges[i];
    if ((range.value & flag) == 0) continue;
    ++ranges[0];
    ranges.push_back(range.first);
    ranges.push_back(range.last);
  }
  return ranges;
}

}  // namespace

bool define_measured_properties() {
  // Oniguruma keeps the pointers for as long as the process lives.
  static std::array<std::vector<OnigCodePoint>, kProperties.size()> ranges;
  for (size_t i = 0; i < kProperties.size(); ++i) {
    ranges[i] = ranges_of(kProperties[i].flag);
    if (onig_unicode_define_user_property(kProperties[i].name, ranges[i].data()) != ONIG_NORMAL) return false;
  }
  return true;
}

std::string with_measured_properties(std::string_view expression) {
  std::string changed;
  while (!expression.empty()) {
    const size_t length = expression.front() == '\\' && expression.size() > 1 ? 2 : 1;
    const std::string_view token = expression.substr(0, length);
    expression.remove_prefix(length);
    changed += token;
    if (token != "\\p" && token != "\\P") continue;
    for (const Property& property : kProperties) {
      if (!expression.starts_with(property.text)) continue;
      changed.append("{").append(property.name).append("}");
      expression.remove_prefix(property.text.size());
      break;
    }
  }
  return changed;
}

}  // namespace vivace
