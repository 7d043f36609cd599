// One accepted request of a Generator, from the queue to its answer. The generator's thread writes it, the watch's
// thread may answer it before it is done: whoever comes first answers, once.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/generate_request.h"
#include "engine/text_stream.h"
#include "heads/generation.h"
#include "text/tokenizer.h"

namespace vivace {

enum class SourceOrigin : uint8_t { kRead, kCached };

class GeneratorTask {
 public:
  using Clock = std::chrono::steady_clock;
  using Callback = std::function<void(Result<GenerateResponse>)>;

  GeneratorTask(const Tokenizer& tokenizer, GenerateRequest request, Callback done);

  // Tokenizes; errors as Tokenizer's and kTooLarge. Before anything else.
  Result<void> tokenize(int max_tokens);

  const GenerateRequest& request() const { return m_request; }
  const TokenSequence& source() const { return m_source; }
  int needed_rows() const;  // of the decoder, at least; 0 once answered
  void set_watch_id(uint64_t id) { m_watch_id = id; }
  uint64_t watch_id() const { return m_watch_id; }  // at the RequestWatch; 0: none

  // What the generator's thread calls, in this order. After the answer they do nothing.
  bool leave_queue();  // the wait is over; false when nothing is to be done for it: answered, cancelled or too late
  void begin(const EncoderDecoder& model, EncodedSource source, const GenerationTokens& tokens, SourceOrigin origin);
  void propose(int max_rows, std::vector<DecoderStep>* steps);
  void take(MatrixView<float> logits);  // answers when the last sequence is complete

  // Answers with what there is; does nothing when the answer was given. Thread-safe.
  void end(FinishReason reason);
  void fail(Status problem);
  bool answered() const;

 private:
  GenerationHooks hooks();
  void read(size_t sequence, std::span<const int32_t> ids);
  bool has_stop(std::span<const int32_t> ids) const;
  Result<GenerateResponse> response(FinishReason unfinished);
  void answer(FinishReason unfinished, std::unique_lock<std::mutex> lock);

  const Tokenizer& m_tokenizer;
  const GenerateRequest m_request;
  const Callback m_done;
  TokenSequence m_source;
  std::vector<int32_t> m_repeatable;  // source and hint
  const Clock::time_point m_submitted = Clock::now();
  std::atomic<uint64_t> m_watch_id{0};

  mutable std::mutex m_mutex;  // guards what follows
  Clock::time_point m_encode_start;
  Clock::time_point m_decode_start;
  GenerateResponse m_response;
  std::unique_ptr<Generation> m_generation;
  std::vector<TextStream> m_streams;  // of each sequence of the answer
  size_t m_last_read = 0;             // the sequence whose token was the last
  Result<void> m_problem;
  bool m_is_answered = false;
};

}  // namespace vivace
