// Base64 with the standard alphabet and padding (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vivace {

// nullopt for anything that an encoder would not have written.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace vivace
