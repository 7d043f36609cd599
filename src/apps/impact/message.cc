#include "apps/impact/message.h"

#include <utf8proc.h>

#include "base/utf8.h"

namespace vivace {
namespace {

// White space as Unicode and the ASCII separators 0x1C-0x1F have it.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

void append_lower(char32_t c, std::string* out) {
  constexpr char32_t kDottedCapitalI = 0x130;  // the one code point whose lower case is two
  if (c < 0x80) {
    out->push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
  } else if (c == kDottedCapitalI) {
    out->append("i\u0307");
  } else {
    append_utf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), out);
  }
}

}  // namespace

std::vector<FactorValue> named_factors(const Factors& factors) {
  return {{"semantic", factors.semantic}, {"permission", factors.permission}, {"volume", factors.volume},
          {"context", factors.context},   {"drift", factors.drift},           {"priority", factors.priority},
          {"type", factors.type}};
}

std::string extract_text(const Message& message) {
  std::string text = message.content.value_or("");
  if (message.payload_message) text.append(" ").append(*message.payload_message);
  for (const std::string& extra : message.extra_texts) text.append(" ").append(extra);
  return text;
}

std::string normalize_text(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  size_t end = 0;  // behind the last code point that is no space
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, &at);
    const bool space = is_space(c);
    if (space && lower.empty()) continue;
    append_lower(c, &lower);
    if (!space) end = lower.size();
  }
  lower.resize(end);
  return lower;
}

}  // namespace vivace
