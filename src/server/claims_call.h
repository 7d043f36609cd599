// What the handlers of claim verification get and the fields that their bodies share. They block, so they run on the
// worker pool; nothing here knows sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/claims/claims_service.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "server/error_table.h"
#include "server/http_message.h"

namespace vivace {

struct ClaimsCall {
  const HttpRequest& request;
  ClaimsService& claims;
  Patience patience;
  std::chrono::steady_clock::time_point start;

  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }
};

using ClaimsReply = ApiResult<HttpResponse>;
using ClaimsHandler = ClaimsReply (*)(ClaimsCall& call);

HttpResponse json_response(JsonWriter* json, int status = 200);

// A body or query that does not fit the schema: 422, with the field in the details.
std::unexpected<ApiError> schema_error(ApiError error);
std::unexpected<ApiError> schema_error(std::string_view field, std::string message);

// The body as an object; 422.
ApiResult<JsonDocument> claims_body(const ClaimsCall& call);

struct LengthLimits {
  size_t least = 1;  // code points
  size_t most = 0;
};
// Text that is not blank; 422 otherwise.
ApiResult<std::string> required_text(const JsonValue& root, std::string_view field, LengthLimits limits);
ApiResult<std::string> check_claims_text(const JsonValue& value, std::string_view field, LengthLimits limits);
ApiResult<std::string> optional_text(const JsonValue& root, std::string_view field, size_t most);
ApiResult<int64_t> integer_field(const JsonValue& root, std::string_view field, int64_t fallback, int64_t lowest,
                                 int64_t highest);
ApiResult<std::optional<double>> share_field(const JsonValue& root, std::string_view field);  // 0 to 1
ApiResult<SearchMode> mode_field(const JsonValue& root, std::string_view field);              // hybrid without one

// Whose evidence: what the API key says, else the body's or query's tenant_id, else the default. 403 when they differ.
ApiResult<std::string> tenant_of(const ClaimsCall& call, const JsonValue& root);
ApiResult<std::string> tenant_of(const ClaimsCall& call);

// Query parameters; 422 where they do not fit.
std::optional<std::string> query_text(const ClaimsCall& call, std::string_view name);
ApiResult<int64_t> query_integer(const ClaimsCall& call, std::string_view name, int64_t fallback, int64_t lowest,
                                 int64_t highest);

// The id in the path: 422 unless it is a UUID.
ApiResult<std::string> path_uuid(const ClaimsCall& call, std::string_view name);

// 400 with the ClaimCode, before any model is asked for; nullopt for a claim that may be verified.
std::optional<ApiError> refuse_claim(const std::string& claim, std::string_view field);

void write_optional(std::string_view key, const std::string& text, JsonWriter* json);

}  // namespace vivace
