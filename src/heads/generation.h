// Writes sequences with an encoder-decoder: greedy, sampled or by beam search, the ids that transformers' generate()
// writes with the same settings.
#pragma once

#include <functional>
#include <memory>
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
      token;  // not for beams: a sequence has one more token; before stop is asked about it
};

struct GenerationStats {
  uint64_t steps = 0;     // passes over the decoder
  uint64_t drafted = 0;   // tokens that were guessed and checked
  uint64_t accepted = 0;  // of them right: tokens that cost no pass
};

// What one request's sequences are written from. All must outlive the Generation.
struct GenerationTask {
  const EncoderDecoder& model;
  EncodedSource source;
  std::span<const int32_t> source_ids;  // of the source and whatever else may be repeated: drafts are taken from there
  const GenerationTokens& tokens;
  const GenerationOptions& options;  // have passed check_generation_options()
  GenerationHooks hooks;             // interrupt is generate()'s alone
};

// The sequences of one request while they are written, between two passes over the decoder. Whoever drives it may feed
// several of them to one pass:
//   while (!generation->finished()) { generation->propose(…, &steps); model.decode(…, steps, logits);
//                                     generation->take(logits); }
class Generation {
 public:
  virtual ~Generation() = default;
  virtual bool finished() const = 0;
  // Rows that the next pass needs at least.
  virtual int needed_rows() const = 0;
  // Appends what the decoder is fed next: needed_rows() rows, and up to max_rows where guesses may pay. The ids stay
  // where they are until take().
  virtual void propose(int max_rows, std::vector<DecoderStep>* steps) = 0;
  // The logits of the rows proposed, overwritten.
  virtual void take(MatrixView<float> logits) = 0;
  // num_return_sequences sequences as they are, of beams the best first; those that are not complete have the reason.
  virtual std::vector<GeneratedSequence> results(FinishReason unfinished) const = 0;
  virtual GenerationStats stats() const = 0;
};

std::unique_ptr<Generation> begin_generation(GenerationTask task);

// Writes all sequences of one request by itself.
//   context  all work is done on the calling thread and the context's pool
std::vector<GeneratedSequence> generate(const GenerationTask& task, const ExecutionContext& context);

}  // namespace vivace
