// Writes sequences with an encoder-decoder: greedy, sampled or by beam search, the ids that transformers' generate()
// writes with the same settings.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "heads/generation_options.h"
#include "models/encoder_decoder.h"
#include "ops/execution_context.h"

namespace vivace {

enum class FinishReason : uint8_t { kStop, kLength, kDeadline, kCancelled };
std::string_view finish_reason_name(FinishReason reason);  // "stop", "length", "deadline", "cancelled"

struct GeneratedSequence {
  std::vector<int32_t> ids;  // without the start token; with the end token, if it ended by one
  FinishReason reason = FinishReason::kLength;
  float score = 0;  // beam search only
};

// What the caller wants to know and decide between two tokens. Each may be empty.
struct GenerationHooks {
  std::function<std::optional<FinishReason>()> interrupt;  // a reason: end all sequences as they are
  std::function<bool(std::span<const int32_t> ids)> stop;  // a sequence is complete (ids without start token)
  std::function<void(int sequence, std::span<const int32_t> ids)>
      token;  // not for beams: a sequence has one more token
};

// num_return_sequences sequences, of beams the best first. Options have passed check_generation_options().
//   context  all work is done on the calling thread and the context's pool
std::vector<GeneratedSequence> generate(const EncoderDecoder& model, const ExecutionContext& context,
                                        const EncodedSource& source, const GenerationTokens& tokens,
                                        const GenerationOptions& options, const GenerationHooks& hooks);

}  // namespace vivace
