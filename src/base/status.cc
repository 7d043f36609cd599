#include "base/status.h"

namespace vivace {

std::string_view status_code_name(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument: return "invalid_argument";
    case StatusCode::kNotFound: return "not_found";
    case StatusCode::kTooLarge: return "too_large";
    case StatusCode::kOverloaded: return "overloaded";
    case StatusCode::kDeadlineExceeded: return "deadline_exceeded";
    case StatusCode::kCancelled: return "cancelled";
    case StatusCode::kUnsupported: return "unsupported";
    case StatusCode::kCorruptFile: return "corrupt_file";
    case StatusCode::kUnavailable: return "unavailable";
    case StatusCode::kInternal: return "internal";
  }
  return "internal";
}

Status Status::with_context(std::string_view context) const {
  std::string text(context);
  text.append(": ").append(message);
  return Status{code, std::move(text), retry_after_seconds};
}

}  // namespace vivace
