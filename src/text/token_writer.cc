#include "text/token_writer.h"

#include "base/utf8.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

constexpr char32_t kByteLevelSpace = 0x120;  // Ġ

}  // namespace

TokenBlanks count_blanks(std::string_view token) {
  TokenBlanks blanks;
  bool only_blanks = true;
  for (size_t position = 0; position < token.size();) {
    const char32_t code_point = next_code_point(token, &position);
    const bool is_blank = code_point == kByteLevelSpace || code_point_info(code_point).has(kWhiteSpace);
    only_blanks = only_blanks && is_blank;
    blanks.leading += only_blanks ? 1 : 0;
    blanks.trailing = is_blank ? blanks.trailing + 1 : 0;
  }
  return blanks;
}

void TokenWriter::shrink(size_t size) {
  m_tokens.ids.resize(size);
  if (m_with_offsets) m_tokens.offsets.resize(size);
  if (m_blanks != nullptr) m_blanks->resize(size - m_start);
  m_tokens.truncated = false;
}

}  // namespace vivace
