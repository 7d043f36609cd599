// A loaded encoder-decoder that answers requests from many threads.
//
// submit() checks and tokenizes on the caller's thread and puts the request into a bounded queue. The generator's own
// thread lets waiting requests join between two passes over the decoder: each pass writes the next tokens of all of
// them. What is written does not depend on what else is asked. Deadlines and cancellations are answered from a thread
// of their own, on time even while a pass runs.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/generate_request.h"
#include "engine/generator_task.h"
#include "engine/request_watch.h"
#include "engine/source_cache.h"
#include "models/batch_forward.h"
#include "models/encoder_decoder.h"

namespace vivace {

struct GeneratorInfo {
  ModelInfo model;  // max_tokens: of a source. pooling and prompts mean nothing here
  int decoder_layers = 0;
  int max_new_tokens = 0;       // that the model can write
  bool knows_sentinel = false;  // the tokenizer has kGapSentinel as a token of its own
};

// What T5's training puts where text is left out: a model so trained writes what belongs there.
inline constexpr std::string_view kGapSentinel = "<extra_id_0>";

// What a Generator is made of.
struct GeneratorParts {
  std::unique_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<const EncoderDecoder> model;
  const KernelTable* kernels = nullptr;
  GenerationTokens tokens;
  std::shared_ptr<ThreadPool> pool;
  size_t max_queued = 0;
};

class Generator {
 public:
  using Callback = std::function<void(Result<GenerateResponse>)>;

  // Loads a model directory. The errors of formats, text and models, with the file named. options.max_queued_texts
  // bounds the waiting requests; options.max_batch_tokens has no meaning here.
  static Result<std::unique_ptr<Generator>> load(const std::string& directory, const EngineOptions& options);
  Generator(GeneratorParts parts, GeneratorInfo info);
  ~Generator();  // answers what is queued with kUnavailable, lets the running requests end as cancelled
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Writes a little, so that the first request finds memory and caches warm.
  Result<void> warm_up();

  // Calls done exactly once: at once on the caller's thread when the request is refused (kInvalidArgument, kTooLarge,
  // kOverloaded, kUnavailable), else later on a thread of the generator, where it must not block. Thread-safe.
  void submit(GenerateRequest request, Callback done);

  // submit() and wait. Not to be called from a callback.
  Result<GenerateResponse> generate(GenerateRequest request);

  // Refuses new requests with kUnavailable from now on and waits until all accepted ones are answered.
  void drain();

  const GeneratorInfo& info() const { return m_info; }
  const EngineStats& stats() const { return m_stats; }
  const Tokenizer& tokenizer() const { return *m_parts.tokenizer; }

 private:
  enum class State { kServing, kDraining, kStopping };
  using Tasks = std::vector<std::shared_ptr<GeneratorTask>>;

  Result<void> check(const GenerateRequest& request) const;
  Result<void> enqueue(const std::shared_ptr<GeneratorTask>& task);
  void watch(const std::shared_ptr<GeneratorTask>& task);
  void serve();
  bool wait_for_work(const Tasks& running, Tasks* joining);
  void forget_answered();  // in the queue
  void read_sources(const Tasks& joining);
  void write_tokens(const Tasks& running);
  void count(const Result<GenerateResponse>& result);
  void release();  // an accepted request is answered

  GeneratorParts m_parts;
  GeneratorInfo m_info;
  EngineStats m_stats;

  std::mutex m_mutex;
  std::condition_variable m_work;  // something was queued, or the state changed
  std::condition_variable m_idle;  // all accepted requests are answered
  std::deque<std::shared_ptr<GeneratorTask>> m_queue;
  size_t m_unanswered = 0;  // of the accepted requests
  State m_state = State::kServing;

  // Used by the generator's thread only.
  ForwardWorkspace m_workspace;
  SourceCache m_sources;
  std::vector<DecoderStep> m_steps;
  std::vector<float> m_logits;
  RequestWatch m_watch;
  std::thread m_thread;
};

}  // namespace vivace
