#include "server/claims_call.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "apps/claims/claim_validation.h"
#include "apps/claims/uuid.h"
#include "base/utf8.h"
#include "server/json_fields.h"

namespace vivace {
namespace {

constexpr int kUnprocessable = 422;
constexpr size_t kMaxTenantCharacters = 50;

bool is_blank(std::string_view text) {
  for (size_t position = 0; position < text.size();) {
    const char32_t c = next_code_point(text, &position);
    const bool space = c <= ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
                       c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
    if (!space) return false;
  }
  return true;
}

ApiResult<std::string> check_tenant(const ClaimsCall& call, std::string asked) {
  if (asked.empty()) return call.request.tenant.empty() ? std::string(kDefaultTenant) : call.request.tenant;
  if (count_code_points(asked) > kMaxTenantCharacters) {
    return schema_error("tenant_id", fmt::format("tenant_id: has more than {} characters", kMaxTenantCharacters));
  }
  if (call.request.tenant.empty() || call.request.tenant == asked) return asked;
  ApiError error = http_error(403, "wrong_tenant", "the API key belongs to another tenant");
  error.param = "tenant_id";
  return std::unexpected(std::move(error));
}

}  // namespace

HttpResponse json_response(JsonWriter* json, int status) {
  HttpResponse response;
  response.status = status;
  response.body = json->take();
  return response;
}

std::unexpected<ApiError> schema_error(ApiError error) {
  error.http_status = kUnprocessable;
  error.code = "validation_error";
  return std::unexpected(std::move(error));
}

std::unexpected<ApiError> schema_error(std::string_view field, std::string message) {
  ApiError error(StatusCode::kInvalidArgument, std::move(message));
  error.param = field;
  return schema_error(std::move(error));
}

ApiResult<JsonDocument> claims_body(const ClaimsCall& call) {
  auto document = parse_body(call.request.body);
  if (document) return document;
  ApiError error = std::move(document).error();
  if (error.param.empty()) error.param = "body";
  return schema_error(std::move(error));
}

ApiResult<std::string> check_claims_text(const JsonValue& value, std::string_view field, LengthLimits limits) {
  const auto text = value.as_string();
  if (!text) return schema_error(field, text.error().message);
  const size_t length = count_code_points(*text);
  if (length < limits.least || length > limits.most) {
    return schema_error(field, fmt::format("{}: has {} characters, expected {} to {}", value.path(), length,
                                           limits.least, limits.most));
  }
  if (limits.least > 0 && is_blank(*text)) return schema_error(field, value.path() + ": is blank");
  if (text->find('\0') != std::string_view::npos) {
    return schema_error(field, value.path() + ": holds a zero character");
  }
  return std::string(*text);
}

ApiResult<std::string> required_text(const JsonValue& root, std::string_view field, LengthLimits limits) {
  const auto value = root.get(field);
  if (!value) return schema_error(field, value.error().message);
  return check_claims_text(*value, field, limits);
}

ApiResult<std::string> optional_text(const JsonValue& root, std::string_view field, size_t most) {
  const auto value = root.find(field);
  if (!value) return std::string();
  return check_claims_text(*value, field, {.least = 0, .most = most});
}

ApiResult<int64_t> integer_field(const JsonValue& root, std::string_view field, int64_t fallback, int64_t lowest,
                                 int64_t highest) {
  auto number = root.integer_or(field, fallback, lowest, highest);
  if (!number) return schema_error(field, number.error().message);
  return *number;
}

ApiResult<std::optional<double>> share_field(const JsonValue& root, std::string_view field) {
  const auto value = root.find(field);
  if (!value) return std::optional<double>();
  const auto share = value->as_double();
  if (!share) return schema_error(field, share.error().message);
  if (!(*share >= 0 && *share <= 1)) return schema_error(field, value->path() + ": expected a number from 0 to 1");
  return std::optional<double>(*share);
}

ApiResult<SearchMode> mode_field(const JsonValue& root, std::string_view field) {
  const auto name = root.string_or(field, "hybrid");
  if (!name) return schema_error(field, name.error().message);
  const auto mode = parse_search_mode(*name);
  if (!mode) return schema_error(field, mode.error().message);
  return *mode;
}

ApiResult<std::string> tenant_of(const ClaimsCall& call, const JsonValue& root) {
  auto asked = optional_text(root, "tenant_id", kMaxTenantCharacters);
  if (!asked) return asked;
  const std::string beside = query_text(call, "tenant_id").value_or("");
  if (asked->empty()) return check_tenant(call, beside);
  if (!beside.empty() && beside != *asked) {
    return schema_error("tenant_id", "tenant_id: is not the same in the query and in the body");
  }
  return check_tenant(call, std::move(*asked));
}

ApiResult<std::string> tenant_of(const ClaimsCall& call) {
  return check_tenant(call, query_text(call, "tenant_id").value_or(""));
}

std::optional<std::string> query_text(const ClaimsCall& call, std::string_view name) {
  const auto found = std::ranges::find(call.request.query, name, &std::pair<std::string, std::string>::first);
  if (found == call.request.query.end()) return std::nullopt;
  return found->second;
}

ApiResult<int64_t> query_integer(const ClaimsCall& call, std::string_view name, int64_t fallback, int64_t lowest,
                                 int64_t highest) {
  const auto text = query_text(call, name);
  if (!text) return fallback;
  int64_t number = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (code != std::errc() || end != text->data() + text->size() || number < lowest || number > highest) {
    return schema_error(name, fmt::format("{}: expected a whole number from {} to {}", name, lowest, highest));
  }
  return number;
}

ApiResult<std::string> path_uuid(const ClaimsCall& call, std::string_view name) {
  if (!is_uuid(call.request.path_argument)) return schema_error(name, fmt::format("{}: expected a UUID", name));
  std::string id = call.request.path_argument;
  for (char& c : id) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return id;
}

std::optional<ApiError> refuse_claim(const std::string& claim, std::string_view field) {
  const ClaimValidation validation = validate_claim(claim, ClaimLimits{});
  if (!validation.refused_for) return std::nullopt;
  ApiError error(StatusCode::kInvalidArgument, std::string(claim_code_advice(*validation.refused_for)));
  error.code = claim_code_name(*validation.refused_for);
  error.param = field;
  return error;
}

void write_optional(std::string_view key, const std::string& text, JsonWriter* json) {
  json->key(key);
  if (text.empty()) {
    json->null();
  } else {
    json->value(text);
  }
}

}  // namespace vivace
