// The Engine that computes in this process: see engine.h for what it promises.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/batch_packer.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "engine/request_queue.h"
#include "engine/request_watch.h"
#include "models/batch_forward.h"

namespace vivace {

struct LocalEngineSettings {
  std::shared_ptr<ThreadPool> pool;
  std::shared_ptr<EngineStats> stats;  // several engines may count together
  size_t max_batch_tokens = 0;
  size_t max_queued_texts = 0;
};

class LocalEngine final : public Engine {
 public:
  LocalEngine(LoadedModel model, ModelInfo info, LocalEngineSettings settings);
  ~LocalEngine() override;

  Result<void> warm_up() override;
  void submit_call(AnyCall call) override;
  void drain() override;
  const ModelInfo& info() const override { return m_info; }
  const EngineStats& stats() const override { return *m_settings.stats; }
  const Tokenizer& tokenizer() const override { return *m_model.tokenizer; }

 private:
  enum class State { kServing, kDraining, kStopping };

  Result<bool> admit(size_t texts);
  template <typename Request>
  void start(Call<Request> call);
  void refuse(Job& job, size_t texts, Status problem);
  void watch(const std::shared_ptr<Job>& job);
  void end_early(Job& job, WatchEvent event);
  void enqueue(std::shared_ptr<Job> job);
  bool comes_alone() const;
  bool is_light(const Job& job) const;
  void serve();
  void compute_next(std::unique_lock<std::mutex>* lock);
  void run_batch(const std::vector<BatchItem>& items);
  void pack(const std::vector<BatchItem>& items, EngineClock::time_point start);
  void hand_out(const std::vector<BatchItem>& items, MatrixView<const float> rows);
  void complete(Job& job);
  void fail(const std::vector<BatchItem>& items, const Status& problem);
  void answer(Job& job, Result<ResponseTimes> result);
  void finish(Job& job, Result<ResponseTimes> result);
  void count(const Result<ResponseTimes>& result);
  void show_queue();

  const LoadedModel m_model;
  const ModelInfo m_info;
  const LocalEngineSettings m_settings;
  EngineStats& m_stats;

  std::mutex m_mutex;  // guards what follows, up to the blank line
  std::condition_variable m_work;
  std::condition_variable m_idle;
  RequestQueue m_queue;
  int64_t m_shown_texts = 0;  // of the queue, in m_stats
  int64_t m_shown_tokens = 0;
  size_t m_reserved_texts = 0;  // admitted, being tokenized
  size_t m_unanswered = 0;      // admitted requests without an answer
  State m_state = State::kServing;
  bool m_computing = false;               // somebody has the turn to
  EngineClock::time_point m_quiet_since;  // when the last turn ended
  int m_lone_jobs = 0;                    // so many turns, the last ones, were of one job that nobody came after

  // Used by who has the turn, the engine's thread or a caller.
  double m_seconds_a_token = 0;  // of the last batch; 0: there was none
  BatchPacker m_batch;
  std::vector<int> m_places;  // in it, of each item
  ForwardWorkspace m_workspace;
  std::thread m_thread;
  RequestWatch m_watch;  // destroyed first: it calls back
};

}  // namespace vivace
