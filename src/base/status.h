// Errors as values. Every fallible function returns Result<T>; nothing throws across folders.
//
// A Status is an error: a code that the outer layers map to exit codes and HTTP codes, and one line that says what is
// wrong and what to do. Success carries no Status at all (a Result<T> holds the value, a Result<void> nothing).
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace vivace {

enum class StatusCode {
  kInvalidArgument,   // the caller's input is wrong: bad JSON, wrong type, empty text
  kNotFound,          // a model, file or route that does not exist
  kTooLarge,          // over a limit: body, text count, text length
  kOverloaded,        // queue full; try again later
  kDeadlineExceeded,  // the request's time ran out
  kCancelled,         // the caller went away
  kUnsupported,       // a valid thing that we cannot do: unknown architecture, tokenizer component
  kCorruptFile,       // a file that contradicts itself or its format
  kUnavailable,       // not ready yet or shutting down
  kInternal,          // our own bug, or the system failed us
};

// "invalid_argument", "not_found", …: the name used in logs, metrics and error bodies.
std::string_view status_code_name(StatusCode code);

// To try again after so long when only a person can end what is in the way.
inline constexpr int kRetryAfterAPersonSeconds = 30;

struct [[nodiscard]] Status {
  StatusCode code = StatusCode::kInternal;
  std::string message;
  int retry_after_seconds = 0;  // until trying again may help, where that is known; else 0

  // The same error with "context: " in front of the message: how a layer adds where it was.
  [[nodiscard]] Status with_context(std::string_view context) const;
  bool operator==(const Status&) const = default;
};

template <typename T>
using Result = std::expected<T, Status>;

// return error(StatusCode::kNotFound, "…") from any function returning Result<T>.
[[nodiscard]] inline std::unexpected<Status> error(StatusCode code, std::string message, int retry_after_seconds = 0) {
  return std::unexpected(Status{code, std::move(message), retry_after_seconds});
}

}  // namespace vivace

#define VIVACE_CONCAT_INNER(a, b) a##b
#define VIVACE_CONCAT(a, b) VIVACE_CONCAT_INNER(a, b)

// Passes an error of `expression` (a Result of any type) on to the caller.
#define RETURN_IF_ERROR(expression)                                               \
  do {                                                                            \
    auto vivace_result = (expression);                                            \
    if (!vivace_result) return std::unexpected(std::move(vivace_result).error()); \
  } while (false)

// ASSIGN_OR_RETURN(auto x, f()): x is f()'s value, or the function returns f()'s error.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(VIVACE_CONCAT(vivace_result_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(result, declaration, expression)   \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = std::move(*result)
