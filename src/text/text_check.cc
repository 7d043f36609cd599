#include "text/text_check.h"

#include <cstdint>
#include <string>

#include <simdjson.h>

#include "base/utf8.h"

namespace vivace {

Result<void> check_text(std::string_view text) {
  if (text.size() > INT32_MAX) return error(StatusCode::kTooLarge, "text: longer than 2 GiB; split it");
  // simdjson checks a whole block of bytes at a time; only a bad text is read again to find the place.
  if (simdjson::validate_utf8(text.data(), text.size())) return {};
  return error(StatusCode::kInvalidArgument,
               "text: not valid UTF-8 at byte " + std::to_string(find_invalid_utf8(text)));
}

}  // namespace vivace
