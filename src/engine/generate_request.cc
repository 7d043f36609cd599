#include "engine/generate_request.h"

namespace vivace {

Result<void> check_generate_options(const GenerateRequest& request) {
  if (request.stop.size() > kMaxStopStrings) {
    return error(StatusCode::kTooLarge, "at most " + std::to_string(kMaxStopStrings) + " stop strings are taken");
  }
  for (const std::string& stop : request.stop) {
    if (stop.empty()) return error(StatusCode::kInvalidArgument, "a stop string is empty");
  }
  if (request.on_text && request.options.num_beams > 1) {
    return error(StatusCode::kInvalidArgument, "beams cannot be streamed: they change their beginning to the end");
  }
  return check_options_of_any_model(request.options);
}

}  // namespace vivace
