// The one place where errors become HTTP: a StatusCode has one HTTP status, and each API family has one shape.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "server/http_message.h"

namespace vivace {

// What went wrong with a request. `status` decides the HTTP status unless http_status says more precisely what is wrong
// with the HTTP itself (405, 415, …).
struct ApiError {
  Status status;
  std::string param;    // the body's field that is wrong, if one is
  std::string code;     // machine-readable; empty: the name of the StatusCode
  int http_status = 0;  // 0: http_status_of(status.code)

  ApiError(Status error) : status(std::move(error)) {}  // NOLINT: every Status is an ApiError
  ApiError(StatusCode status_code, std::string message) : status{status_code, std::move(message)} {}
};

template <typename T>
using ApiResult = std::expected<T, ApiError>;

// The code of an input without any text, which text-embeddings-inference tells apart.
inline constexpr char kEmptyInput[] = "empty_input";

inline constexpr int kRetryAfterSeconds = 1;  // where the error does not know better

int http_status_of(StatusCode code);
int http_status_of(const ApiError& error);

// The family's error body, with Retry-After where trying again makes sense.
HttpResponse error_response(ApiFamily family, const ApiError& error, std::string_view request_id = "");

// Errors of HTTP itself.
ApiError http_error(int http_status, std::string code, std::string message);

}  // namespace vivace
