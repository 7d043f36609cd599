// A loaded encoder-decoder that answers requests from many threads.
//
// submit() checks and tokenizes on the caller's thread and puts the request into a bounded queue; the generator's own
// thread takes one after the other, runs the model on the thread pool and answers. What is written does not depend on
// what else is asked.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/engine.h"
#include "engine/generate_request.h"
#include "models/batch_forward.h"
#include "models/encoder_decoder.h"

namespace vivace {

struct GeneratorInfo {
  ModelInfo model;  // max_tokens: of a source. pooling and prompts mean nothing here
  int decoder_layers = 0;
  int max_new_tokens = 0;  // that the model can write
};

class Generator {
 public:
  using Callback = std::function<void(Result<GenerateResponse>)>;

  // Loads a model directory. The errors of formats, text and models, with the file named. options.max_queued_texts
  // bounds the waiting requests; options.max_batch_tokens has no meaning here.
  static Result<std::unique_ptr<Generator>> load(const std::string& directory, const EngineOptions& options);
  ~Generator();  // answers what is queued with kUnavailable, lets the running request end as cancelled
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Calls done exactly once: at once on the caller's thread when the request is refused (kInvalidArgument, kTooLarge,
  // kOverloaded, kUnavailable), else later on the generator's thread, where it must not block. Thread-safe.
  void submit(GenerateRequest request, Callback done);

  // submit() and wait. Not to be called from a callback.
  Result<GenerateResponse> generate(GenerateRequest request);

  // Refuses new requests with kUnavailable from now on and waits until all accepted ones are answered.
  void drain();

  const GeneratorInfo& info() const { return m_info; }
  const EngineStats& stats() const { return m_stats; }
  const Tokenizer& tokenizer() const { return *m_parts.tokenizer; }

 private:
  struct Parts {
    std::unique_ptr<const Tokenizer> tokenizer;
    std::unique_ptr<const EncoderDecoder> model;
    const KernelTable* kernels = nullptr;
    GenerationTokens tokens;
    std::shared_ptr<ThreadPool> pool;
    size_t max_queued = 0;
  };
  struct Pending;
  enum class State { kServing, kDraining, kStopping };

  Generator(Parts parts, GeneratorInfo info);
  Result<void> check(const GenerateRequest& request) const;
  Result<void> prepare(Pending* pending) const;
  Result<void> enqueue(std::unique_ptr<Pending>& pending);  // takes it, unless it is refused
  void serve();
  Result<GenerateResponse> run(Pending& pending);
  std::vector<GeneratedSequence> write(Pending& pending, const EncodedSource& source, Result<void>* problem);
  std::optional<FinishReason> interruption(const Pending& pending) const;
  void count(const Result<GenerateResponse>& result);

  Parts m_parts;
  GeneratorInfo m_info;
  EngineStats m_stats;
  ForwardWorkspace m_workspace;  // of the generator's thread

  mutable std::mutex m_mutex;
  std::condition_variable m_work;  // something was queued, or the state changed
  std::condition_variable m_idle;  // nothing is queued or running
  std::deque<std::unique_ptr<Pending>> m_queue;
  bool m_running = false;
  State m_state = State::kServing;
  std::stop_source m_stop;  // requested when the generator ends
  std::thread m_thread;
};

}  // namespace vivace
