// Names for new rows: random UUIDs of version 4 (RFC 9562).
#pragma once

#include <string>
#include <string_view>

namespace vivace {

std::string random_uuid();  // thread-safe
// 8-4-4-4-12 hexadecimal digits, of any version.
bool is_uuid(std::string_view text);

}  // namespace vivace
