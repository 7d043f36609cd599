// One loaded model that answers requests from many threads: all that engine/request.h knows, where the model is for it.
//
// submit() tokenizes on the caller's thread and puts the tokens into a bounded queue; the engine's own thread takes
// what is waiting, packs it into batches by token count, runs the model on the thread pool and answers. What takes less
// than two milliseconds, and comes while nothing else does, is computed by its caller: waking two threads would cost as
// much. A text's answer does not depend on what it was batched with.
#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/engine_stats.h"
#include "engine/request.h"
#include "tensor/precision.h"
#include "text/tokenizer.h"

namespace vivace {

struct EngineOptions {
  std::shared_ptr<ThreadPool> pool;  // shared by several engines; nullptr: one of its own, of `threads` threads
  // One for each further NUMA node: an encoder is loaded once more for each, so that nobody reads another node's
  // memory. A model that writes text computes on the first alone.
  std::vector<std::shared_ptr<ThreadPool>> further_pools{};
  int threads = 0;  // 0: what affinity and cgroup allow
  std::string isa;  // kernel table by name; empty: VIVACE_ISA, else the best that the CPU has
  Precision precision = Precision::kAuto;
  int max_batch_tokens = 0;     // tokens computed in one pass, which bounds the activations' memory and how long a
                                // newcomer waits; 0: 2048 for each thread
  int max_queued_texts = 4096;  // waiting texts beyond which requests get kOverloaded (a single larger request is
                                // taken when nothing waits)
};

// Where there is no pool: one for each NUMA node that options.threads need.
void make_pools(EngineOptions* options);

// Facts about a loaded model, for `inspect`, /v1/models and logs.
struct ModelInfo {
  std::string directory;
  std::string architecture;  // "bert"
  int layers = 0;
  int hidden_size = 0;
  int heads = 0;
  int intermediate_size = 0;
  int vocabulary_size = 0;
  int max_tokens = 0;  // longest text, special tokens included
  ModelTask task = ModelTask::kEmbedding;
  std::vector<std::string> labels;  // of a classifier, in the model's order
  ScoreActivation activation = ScoreActivation::kSoftmax;
  std::string head;        // from hidden states to logits, in words; empty: none
  std::string mask_token;  // of a masked language model
  int embedding_size = 0;  // values of a text's vector
  int pooled_size = 0;     // the same where a request chooses the pooling
  std::string pooling;     // "mean", or several: "cls+max"
  bool normalize = false;
  std::vector<std::string> prompt_names;
  std::map<std::string, std::string> prompts;  // by name: what stands before a text
  size_t parameters = 0;
  size_t file_bytes = 0;               // of the weight files
  size_t packed_bytes = 0;             // of the packed weights in memory
  std::string weights_dtype;           // as stored in the file: "F32"
  std::string precision;               // as computed: "fp32", "bf16", "int8", "int4"
  std::string isa;                     // chosen kernel table
  std::vector<std::string> isa_notes;  // one line for each table that was not chosen: why
  bool is_onnx = false;                // an ONNX file computes, instead of kernels
  std::string fallback;                // why it does although there are weights; empty: there are none
  int threads = 0;
  double load_ms = 0;
};

template <typename Request>
using Callback = std::function<void(Result<typename Request::Response>)>;
using EmbedCallback = Callback<EmbedRequest>;

template <typename Request>
struct Call {
  Request request;
  Callback<Request> done;
};
using AnyCall = std::variant<Call<EmbedRequest>, Call<ClassifyRequest>, Call<ZeroShotRequest>, Call<TagRequest>,
                             Call<ScoreTokensRequest>, Call<RankRequest>, Call<EntailRequest>, Call<FillMaskRequest>>;

class Engine {
 public:
  using EmbedCallback = vivace::EmbedCallback;

  // Loads a model directory. The errors of formats, text and models, with the file named.
  static Result<std::unique_ptr<Engine>> load(const std::string& directory, const EngineOptions& options);
  virtual ~Engine() = default;  // answers what is queued with kUnavailable, finishes what runs

  // Runs a short text through the model, so that the first request finds warm memory.
  virtual Result<void> warm_up() = 0;

  // Calls done exactly once: at once on the caller's thread when the request is refused (kInvalidArgument, kTooLarge,
  // kUnsupported when the model is for another task, kOverloaded, kUnavailable) or computed there, else later on a
  // thread of the engine: with the answer, or at the request's deadline or cancellation, whichever comes first. It
  // must not block, wherever it is. Thread-safe.
  template <typename Request>
  void submit(Request request, Callback<Request> done) {
    submit_call(Call<Request>{std::move(request), std::move(done)});
  }
  virtual void submit_call(AnyCall call) = 0;

  // submit() and wait. Not to be called from a callback.
  template <typename Request>
  Result<typename Request::Response> run(Request request) {
    // Shared: the engine's thread may still be inside set_value() when the waiting one returns.
    const auto promise = std::make_shared<std::promise<Result<typename Request::Response>>>();
    auto future = promise->get_future();
    submit(std::move(request),
           [promise](Result<typename Request::Response> result) { promise->set_value(std::move(result)); });
    return future.get();
  }
  Result<EmbedResponse> embed(EmbedRequest request) { return run(std::move(request)); }

  // Refuses new requests with kUnavailable from now on and waits until all accepted ones are answered.
  virtual void drain() = 0;

  virtual const ModelInfo& info() const = 0;
  virtual const EngineStats& stats() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
};

}  // namespace vivace
