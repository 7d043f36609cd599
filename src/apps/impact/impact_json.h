// Messages and analyses as JSON, for the command line and the server alike.
#pragma once

#include <string>
#include <vector>

#include "apps/impact/message.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/status.h"

namespace vivace {

inline constexpr size_t kMaxTools = 1000;
inline constexpr size_t kMaxNameBytes = 1024;  // agent ids, hashes, tool names

// A message object, which may have a member "context", or {"message":{…},"context":{…}|null}. What a message says
// wrongly in a field that only weighs (priority, message_type, amount) never fails: it counts as unknown.
// kInvalidArgument names the path of what cannot be read at all; kTooLarge that of a list or name over the limits.
// Members that nobody asks for are ignored.
Result<ScoreRequest> read_score_request(const JsonValue& value, const std::vector<std::string>& text_fields);
Result<Message> read_message(const JsonValue& value, const std::vector<std::string>& text_fields);
Result<Context> read_context(const JsonValue& value);

// The members of the analysis into an object that is open: {"score":…,"factors":{…},…}.
void write_analysis(const ImpactAnalysis& analysis, JsonWriter* json);

}  // namespace vivace
