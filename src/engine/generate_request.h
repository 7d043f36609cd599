// What callers ask of a Generator and what it answers: plain structs, no JSON, no HTTP.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/request.h"
#include "heads/generation.h"

namespace vivace {

constexpr size_t kMaxStopStrings = 16;

struct GenerateRequest {
  std::string text;  // non-empty valid UTF-8
  GenerationOptions options;
  std::vector<std::string> stop;   // a text ends before the first of these; none may be empty
  std::optional<int32_t> stop_id;  // a sequence also ends with this token
  TooLong too_long = TooLong::kTruncate;
  bool is_cut = false;  // the caller cut the text to what the model takes: counted as truncated
  // What the answer may well repeat, such as the last answer for the same file: makes it come sooner if so. Never
  // changes it.
  std::string hint;
  // When it passes, what is written so far is the answer, with FinishReason::kDeadline (kCancelled for the second). The
  // answer comes at once, also while the model computes.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token cancel;
  // Called on a thread of the generator with each piece of text that cannot change any more; together they are the
  // text of that sequence. Not for beams. Must not block.
  std::function<void(int sequence, std::string_view piece)> on_text;
};

// What can be said without the model and before there is a text: kInvalidArgument, or kTooLarge for too many stop
// strings.
Result<void> check_generate_options(const GenerateRequest& request);

struct GeneratedText {
  std::string text;
  std::vector<int32_t> token_ids;  // all that were written, an end token and a stop string's included
  FinishReason finish_reason = FinishReason::kLength;
};

struct GenerateResponse {
  std::vector<GeneratedText> texts;  // num_return_sequences of them; of beams the best first
  int source_tokens = 0;             // that the model read, special ones included
  bool source_reused = false;        // it had been read for an earlier request
  GenerationStats stats;             // of the decoder's passes for this request
  bool truncated = false;            // the source was longer than the model takes
  double tokenize_ms = 0;
  double queue_ms = 0;
  double encode_ms = 0;  // reading the source
  double decode_ms = 0;  // writing tokens
  double detokenize_ms = 0;
};

}  // namespace vivace
