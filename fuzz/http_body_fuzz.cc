// Any bytes as the body of an embeddings request and as a request's target: reading must refuse them with a message
// that fits into an answer, or give what the layers behind rely on.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "server/embeddings_json.h"
#include "server/error_table.h"
#include "server/request_target.h"
#include "server/route_table.h"

namespace vivace {
namespace {

constexpr TextLimits kLimits{.max_texts = 16, .max_text_bytes = 256};

// Every error becomes valid JSON in each family's shape.
void check_error(const ApiError& error) {
  for (const ApiFamily family : {ApiFamily::kOpenAi, ApiFamily::kTei, ApiFamily::kVivace}) {
    const HttpResponse response = error_response(family, error);
    CHECK(response.status >= 400 && response.status < 500);
    CHECK(JsonDocument::parse(response.body, "error").has_value());
  }
}

// What the engine's contract asks for.
void check_task(const EmbedTask& task) {
  CHECK(!task.request.texts.empty() && task.request.texts.size() <= kLimits.max_texts);
  for (const std::string& text : task.request.texts) {
    CHECK(!text.empty() && text.size() <= kLimits.max_text_bytes);
    CHECK(find_invalid_utf8(text) == kValidUtf8);
  }
  CHECK(!task.request.dimensions || *task.request.dimensions > 0);
  EmbedResponse response;
  response.embeddings.resize(task.request.texts.size(), {.values = {0.5F, -1.0F}, .tokens = 3, .truncated = false});
  CHECK(JsonDocument::parse(write_embeddings_response(task, response), "response").has_value());
}

void check_target(std::string_view target) {
  const auto path = parse_request_target(target);
  if (!path) {
    check_error(path.error());
    return;
  }
  CHECK(*path == "*" || path->starts_with('/'));
  CHECK(find_invalid_utf8(*path) == kValidUtf8);
  static const std::vector<Route> routes = all_routes();
  for (const Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kOther}) {
    const auto match = match_route(routes, method, *path);
    CHECK(!match || (match->route != nullptr && !match->allow.empty()));
    CHECK(!match || !match->method_allowed || method != Method::kOther);
  }
}

}  // namespace
}  // namespace vivace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(data, data + size);
  vivace::check_target(bytes);
  const auto task = vivace::parse_embeddings_request(bytes, vivace::kLimits);
  if (task) {
    vivace::check_task(*task);
  } else {
    vivace::check_error(task.error());
  }
  return 0;
}
