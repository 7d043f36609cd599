#include "server/json_fields.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace vivace {
namespace {

constexpr size_t kMostItemsRead = 65536;

bool looks_like_token_ids(const std::vector<JsonValue>& items) {
  return !items.empty() && (items.front().is_number() || items.front().is_array());
}

Status too_many(const JsonValue& value, size_t texts, size_t limit) {
  return {StatusCode::kTooLarge, fmt::format("{}: has {} texts, more than the {} of one request; send several requests",
                                             value.path(), texts, limit)};
}

}  // namespace

TextLimits text_limits(const ServerConfig& config) {
  return {.max_texts = static_cast<size_t>(config.max_texts_per_request),
          .max_text_bytes = static_cast<size_t>(config.max_text_bytes)};
}

std::unexpected<ApiError> field_error(Status status, std::string_view field) {
  ApiError error(std::move(status));
  error.param = std::string(field);
  return std::unexpected(std::move(error));
}

ApiResult<std::string> read_text(const JsonValue& value, std::string_view field, size_t max_bytes) {
  const auto text = value.as_string();
  if (!text) return field_error(text.error(), field);
  if (text->empty()) return field_error(value.fail("is empty").error(), field);
  if (text->size() > max_bytes) {
    return field_error(
        {StatusCode::kTooLarge, fmt::format("{}: has {} bytes, more than the {} that are allowed; split it",
                                            value.path(), text->size(), max_bytes)},
        field);
  }
  return std::string(*text);
}

std::unexpected<ApiError> refuse_field(std::string_view field, std::string_view message) {
  return field_error({StatusCode::kInvalidArgument, fmt::format("request body: {}: {}", field, message)}, field);
}

ApiResult<JsonDocument> parse_body(std::string_view body) {
  auto document = JsonDocument::parse(body, "request body");
  if (!document) return std::unexpected(ApiError(std::move(document).error()));
  const JsonValue root = document->root();
  if (!root.is_object()) {
    return std::unexpected(ApiError(root.fail("expected an object, found " + std::string(root.type_name())).error()));
  }
  if (auto checked = root.check_keys(); !checked) return std::unexpected(ApiError(std::move(checked).error()));
  return std::move(*document);
}

ApiResult<std::vector<std::string>> read_texts(const JsonValue& body, std::string_view field,
                                               const TextLimits& limits) {
  const auto value = body.get(field);
  if (!value) return field_error(value.error(), field);
  std::vector<std::string> texts;
  if (!value->is_array()) {
    if (!value->is_string()) {
      return field_error(
          value->fail("expected a string or a list of strings, found " + std::string(value->type_name())).error(),
          field);
    }
    auto text = read_text(*value, field, limits.max_text_bytes);
    if (!text) return std::unexpected(std::move(text).error());
    texts.push_back(std::move(*text));
    return texts;
  }
  // A little more than the limit may be read, so that a list of token ids gets the answer that helps.
  const auto items = value->as_array(std::max(limits.max_texts, kMostItemsRead));
  if (!items) return field_error(items.error(), field);
  if (items->empty()) return field_error(value->fail("is an empty list").error(), field);
  if (looks_like_token_ids(*items)) {
    return field_error(value
                           ->fail("token ids are not taken, since they may come from another model's tokenizer; send "
                                  "strings (LangChain: check_embedding_ctx_length=False), or to /v1/embeddings the "
                                  "name of the model as `tokenizer`")
                           .error(),
                       field);
  }
  if (items->size() > limits.max_texts) {
    return field_error(too_many(*value, items->size(), limits.max_texts), field);
  }
  texts.reserve(items->size());
  for (const JsonValue& item : *items) {
    auto text = read_text(item, field, limits.max_text_bytes);
    if (!text) return std::unexpected(std::move(text).error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

bool holds_token_ids(const JsonValue& body, std::string_view field) {
  const auto value = body.find(field);
  if (!value || !value->is_array()) return false;
  const auto items = value->as_array(kMostItemsRead);
  return items && looks_like_token_ids(*items);
}

ApiResult<std::vector<std::vector<int32_t>>> read_token_ids(const JsonValue& body, std::string_view field,
                                                            size_t max_texts) {
  const auto value = body.get(field);
  if (!value) return field_error(value.error(), field);
  const auto items = value->as_array(kMostItemsRead);
  if (!items) return field_error(items.error(), field);
  if (items->empty()) return field_error(value->fail("is an empty list").error(), field);
  const bool is_one = items->front().is_number();
  if (!is_one && items->size() > max_texts) return field_error(too_many(*value, items->size(), max_texts), field);
  std::vector<std::vector<int32_t>> inputs;
  for (const JsonValue& input : is_one ? std::vector<JsonValue>{*value} : *items) {
    const auto tokens = input.as_array(kMostItemsRead);
    if (!tokens) return field_error(tokens.error(), field);
    if (tokens->empty()) return field_error(input.fail("is an empty list").error(), field);
    std::vector<int32_t>& ids = inputs.emplace_back();
    for (const JsonValue& token : *tokens) {
      const auto id = token.as_integer(0, std::numeric_limits<int32_t>::max());
      if (!id) return field_error(id.error(), field);
      ids.push_back(static_cast<int32_t>(*id));
    }
  }
  return inputs;
}

ApiResult<std::vector<JsonValue>> read_items(const JsonValue& body, std::string_view field, size_t max_items) {
  const auto list = body.find(field);
  if (!list) return std::vector<JsonValue>{body};
  auto items = list->as_array(std::max(max_items, kMostItemsRead));
  if (!items) return field_error(std::move(items).error(), field);
  if (items->empty()) return field_error(list->fail("is an empty list").error(), field);
  if (items->size() > max_items) {
    return field_error(too_many(*list, items->size(), max_items), field);
  }
  return std::move(*items);
}

ApiResult<std::string> read_member(const JsonValue& object, std::string_view field, size_t max_bytes) {
  const auto value = object.get(field);
  if (!value) return field_error(value.error(), field);
  return read_text(*value, field, max_bytes);
}

ApiResult<std::string> read_text_or(const JsonValue& body, std::string_view field, std::string_view fallback) {
  auto text = body.string_or(field, fallback);
  if (!text) return field_error(std::move(text).error(), field);
  return std::move(*text);
}

ApiResult<bool> read_flag_or(const JsonValue& body, std::string_view field, bool fallback) {
  const auto flag = body.bool_or(field, fallback);
  if (!flag) return field_error(flag.error(), field);
  return *flag;
}

}  // namespace vivace
