// Fields that several routes' bodies have, read with the errors that their clients need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/error_table.h"
#include "server/server_config.h"

namespace vivace {

struct TextLimits {
  size_t max_texts = 0;
  size_t max_text_bytes = 0;
};

// Those of the configuration.
TextLimits text_limits(const ServerConfig& config);

// The same error, blamed on a field of the body.
std::unexpected<ApiError> field_error(Status status, std::string_view field);

// The same for a message about that field: "request body: top_n: expected …".
std::unexpected<ApiError> refuse_field(std::string_view field, std::string_view message);

// A body must be a JSON object, and no key in it may occur twice.
ApiResult<JsonDocument> parse_body(std::string_view body);

// A text or a list of texts; each non-empty and within the limits.
ApiResult<std::vector<std::string>> read_texts(const JsonValue& body, std::string_view field, const TextLimits& limits);

// Whether the field holds a list of token ids, or a list of such lists.
bool holds_token_ids(const JsonValue& body, std::string_view field);
// Those, one list for each input; what an id may be is the model's to say.
ApiResult<std::vector<std::vector<int32_t>>> read_token_ids(const JsonValue& body, std::string_view field,
                                                            size_t max_texts);

// The body itself, or where it has a list `field` of objects and texts the entries of that: what routes take that
// answer one input or many. kTooLarge for more than max_items.
ApiResult<std::vector<JsonValue>> read_items(const JsonValue& body, std::string_view field, size_t max_items);

// A non-empty text within the limit; the same of an object's member.
ApiResult<std::string> read_text(const JsonValue& value, std::string_view field, size_t max_bytes);
ApiResult<std::string> read_member(const JsonValue& object, std::string_view field, size_t max_bytes);

// Optional fields: absent and null mean the fallback.
ApiResult<std::string> read_text_or(const JsonValue& body, std::string_view field, std::string_view fallback);
ApiResult<bool> read_flag_or(const JsonValue& body, std::string_view field, bool fallback);

}  // namespace vivace
