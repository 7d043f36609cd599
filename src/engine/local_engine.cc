#include "engine/local_engine.h"

#include <algorithm>
#include <utility>

#include "base/cpu_topology.h"
#include "engine/tasks.h"
#include "telemetry/trace.h"

namespace vivace {
namespace {

// A request's turn in a batch. Small against a batch, so that many requests share one; large against a text.
constexpr size_t kSliceTokens = 512;

// A caller computes its request itself, instead of two threads waking each other, when that takes no longer than this
// (its thread may have other callers to listen to) and requests come one by one: so many were alone, and the last is so
// long ago. Where they come together they share batches.
constexpr double kLightSeconds = 2e-3;
constexpr int kLoneJobs = 64;
constexpr auto kQuietTime = std::chrono::microseconds(40);

double milliseconds(EngineClock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double seconds(EngineClock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

LocalEngine::LocalEngine(LoadedModel model, ModelInfo info, LocalEngineSettings settings)
    : m_model(std::move(model)),
      m_info(std::move(info)),
      m_settings(std::move(settings)),
      m_stats(*m_settings.stats),
      m_workspace(m_settings.pool->threads()) {
  m_thread = std::thread([this] { serve(); });
}

LocalEngine::~LocalEngine() {
  {
    const std::lock_guard lock(m_mutex);
    m_state = State::kStopping;
  }
  m_work.notify_all();
  m_thread.join();
}

Result<void> LocalEngine::warm_up() {
  // One text of a few tokens and one as long as the model takes: the second sizes the scratch memory.
  std::string longest;
  for (int i = 0; i < m_model.max_tokens; ++i) longest += "a ";
  const auto done = [this](const auto& response) -> Result<void> {
    if (!response) return std::unexpected(response.error());
    m_stats.reset();
    return {};
  };
  switch (m_model.task.task) {
    case ModelTask::kSequenceClassification: {
      ClassifyRequest request;
      request.inputs = {{"warm up", std::nullopt}, {std::move(longest), std::nullopt}};
      return done(run(std::move(request)));
    }
    case ModelTask::kTokenClassification: {
      TagRequest request;
      request.texts = {"warm up", std::move(longest)};
      return done(run(std::move(request)));
    }
    case ModelTask::kEmbedding:
    case ModelTask::kMaskedLanguageModel: break;
  }
  EmbedRequest request;
  request.texts = {"warm up", std::move(longest)};
  return done(run(std::move(request)));
}

// Whether the request comes alone.
Result<bool> LocalEngine::admit(size_t texts) {
  const std::lock_guard lock(m_mutex);
  if (m_state != State::kServing) return error(StatusCode::kUnavailable, "the model is shutting down");
  const size_t waiting = m_queue.waiting_texts() + m_reserved_texts;
  if (waiting > 0 && waiting + texts > m_settings.max_queued_texts) {
    return error(StatusCode::kOverloaded, std::to_string(waiting) + " texts are waiting, the limit is " +
                                              std::to_string(m_settings.max_queued_texts) + "; try again in a moment");
  }
  m_reserved_texts += texts;
  ++m_unanswered;
  return comes_alone();
}

void LocalEngine::submit_call(AnyCall call) {
  std::visit([this](auto& one) { start(std::move(one)); }, call);
}

template <typename Request>
void LocalEngine::start(Call<Request> call) {
  const size_t texts = call.request.size();
  const auto alone = admit(texts);
  if (!alone) {
    count(std::unexpected(alone.error()));
    call.done(std::unexpected(alone.error()));
    return;
  }
  if (*alone) m_settings.pool->wake();  // while the texts become tokens
  auto job = std::make_shared<Job>();
  job->submitted = EngineClock::now();
  job->limits = static_cast<const RequestLimits&>(call.request);
  const auto response = std::make_shared<typename Request::Response>();
  job->finish = [response, done = std::move(call.done)](Result<ResponseTimes> times) {
    if (!times) return done(std::unexpected(std::move(times).error()));
    static_cast<ResponseTimes&>(*response) = *times;
    done(std::move(*response));
  };
  auto work = prepare(m_model, call.request, response.get());
  const auto tokenized = EngineClock::now();
  m_stats.tokenize_seconds.observe(seconds(tokenized - job->submitted));
  job->times.tokenize_ms = milliseconds(tokenized - job->submitted);
  if (!work) return refuse(*job, texts, std::move(work).error());
  job->work = std::move(*work);
  job->unfinished = job->work.sequences.size();
  m_stats.requests_accepted.add();
  watch(job);
  enqueue(std::move(job));
}

void LocalEngine::refuse(Job& job, size_t texts, Status problem) {
  {
    const std::lock_guard lock(m_mutex);
    m_reserved_texts -= texts;
  }
  answer(job, std::unexpected(std::move(problem)));
}

// Whoever waits is told in time, also while a pass over the model runs. What of the request is in that pass is computed
// to its end, and thrown away.
void LocalEngine::watch(const std::shared_ptr<Job>& job) {
  const RequestLimits& limits = job->limits;
  if (!limits.deadline && !limits.cancel.stop_possible()) return;
  job->watch_id =
      m_watch.add(limits.deadline, limits.cancel, [this, job](WatchEvent event) { end_early(*job, event); });
}

void LocalEngine::end_early(Job& job, WatchEvent event) {
  {
    const std::lock_guard lock(m_mutex);
    m_queue.remove(job);
    show_queue();
  }
  finish(job, std::unexpected(event == WatchEvent::kCancelled ? cancelled() : deadline_exceeded()));
}

void LocalEngine::enqueue(std::shared_ptr<Job> job) {
  std::unique_lock lock(m_mutex);
  m_reserved_texts -= job->work.sequences.size();
  // Its pool is its own meanwhile: another model's batch could keep it for long.
  ThreadPool::Reservation pool;
  if (comes_alone() && is_light(*job)) pool = m_settings.pool->try_reserve();
  m_queue.push(std::move(job));
  show_queue();
  if (pool) {
    compute_next(&lock);
  } else if (!m_computing) {
    m_work.notify_one();
  }
}

// Under the lock. Where a node's threads are to compute, a caller's may be another node's.
bool LocalEngine::comes_alone() const {
  return m_settings.pool->cpus().empty() && !m_computing && m_queue.empty() && m_state == State::kServing &&
         m_lone_jobs >= kLoneJobs && EngineClock::now() - m_quiet_since >= kQuietTime;
}

// Whether its caller may compute the job.
bool LocalEngine::is_light(const Job& job) const {
  size_t tokens = 0;
  for (size_t i = 0; i < job.work.sequences.size(); ++i) tokens += job.cost(i);
  return static_cast<double>(tokens) * m_seconds_a_token <= kLightSeconds;
}

void LocalEngine::drain() {
  std::unique_lock lock(m_mutex);
  if (m_state == State::kServing) m_state = State::kDraining;
  m_idle.wait(lock, [this] { return m_unanswered == 0; });
}

void LocalEngine::serve() {
  bind_this_thread(m_settings.pool->cpus());
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_work.wait(lock, [this] {
      return !m_computing && (!m_queue.empty() || (m_state == State::kStopping && m_unanswered == 0));
    });
    if (m_queue.empty()) return;
    compute_next(&lock);
  }
}

// Has the turn, without the lock, until a batch of what waits is computed and answered.
void LocalEngine::compute_next(std::unique_lock<std::mutex>* lock) {
  m_computing = true;
  const bool stopping = m_state == State::kStopping;
  const auto now = EngineClock::now();
  const auto ended = stopping ? m_queue.remove_all() : m_queue.remove_ended(now);
  const auto items = m_queue.cut_batch(m_settings.max_batch_tokens, kSliceTokens);
  show_queue();
  lock->unlock();
  for (const auto& job : ended) {
    auto alive = check_alive(*job, now);
    if (alive) alive = error(StatusCode::kUnavailable, "the model was shut down before it could answer");
    answer(*job, std::unexpected(std::move(alive).error()));
  }
  if (!items.empty()) run_batch(items);
  lock->lock();
  m_computing = false;
  m_lone_jobs = items.size() == 1 && m_queue.empty() ? std::min(m_lone_jobs + 1, kLoneJobs) : 0;
  m_quiet_since = EngineClock::now();
  if (!m_queue.empty() || m_state == State::kStopping) m_work.notify_one();
}

void LocalEngine::run_batch(const std::vector<BatchItem>& items) {
  TRACE_ZONE("engine_batch");
  const auto start = EngineClock::now();
  pack(items, start);
  const auto rows = m_model.model->run(m_batch.batch(), items.front().job->work.output, *m_settings.pool, m_workspace);
  m_stats.batches.add();
  m_stats.batch_tokens.observe(m_batch.batch().tokens());
  m_stats.tokens.add(static_cast<uint64_t>(m_batch.batch().tokens()));
  m_stats.texts.add(items.size());
  const double taken = seconds(EngineClock::now() - start);
  m_stats.batch_seconds.observe(taken);
  m_seconds_a_token = taken / m_batch.batch().tokens();
  if (!rows) return fail(items, rows.error());
  hand_out(items, *rows);
}

void LocalEngine::pack(const std::vector<BatchItem>& items, EngineClock::time_point start) {
  m_batch.clear();
  m_places.clear();
  for (const BatchItem& item : items) {
    const JobWork& work = item.job->work;
    const TokenSequence& tokens = work.sequences[item.sequence];
    m_places.push_back(work.marks.empty() ? m_batch.add(tokens)
                                          : m_batch.add_marked(tokens, work.marks[item.sequence]));
    m_stats.truncated_texts.add(tokens.truncated ? 1 : 0);
    if (item.job->started != EngineClock::time_point{}) continue;
    item.job->started = start;
    m_stats.queue_seconds.observe(seconds(start - item.job->submitted));
  }
}

void LocalEngine::hand_out(const std::vector<BatchItem>& items, MatrixView<const float> rows) {
  int marked = 0;  // rows of kMarkedLogits, in the order of the items
  for (size_t i = 0; i < items.size(); ++i) {
    Job& job = *items[i].job;
    const JobWork& work = job.work;
    const auto place = static_cast<size_t>(m_places[i]);
    int begin = m_places[i];
    int end = begin + 1;
    if (work.output == ModelOutput::kHiddenStates || work.output == ModelOutput::kTokenLogits) {
      begin = m_batch.batch().offsets[place];
      end = m_batch.batch().offsets[place + 1];
    } else if (work.output == ModelOutput::kMarkedLogits) {
      begin = marked;
      end = marked += static_cast<int>(work.marks[items[i].sequence].size());
    }
    work.take(items[i].sequence, rows.slice_rows(begin, end));
    if (--job.unfinished == 0) complete(job);
  }
}

void LocalEngine::complete(Job& job) {
  if (job.work.complete) job.work.complete();
  const auto now = EngineClock::now();
  job.times.queue_ms = milliseconds(job.started - job.submitted) - job.times.tokenize_ms;
  job.times.compute_ms = milliseconds(now - job.started);
  if (const auto alive = check_alive(job, now); !alive) {
    answer(job, std::unexpected(alive.error()));
  } else {
    answer(job, job.times);
  }
}

// The jobs of a batch that could not be computed end with it, whatever of them still waits.
void LocalEngine::fail(const std::vector<BatchItem>& items, const Status& problem) {
  for (const BatchItem& item : items) {
    Job& job = *item.job;
    if (job.unfinished == 0) continue;
    job.unfinished = 0;
    {
      const std::lock_guard lock(m_mutex);
      m_queue.remove(job);
      show_queue();
    }
    answer(job, std::unexpected(problem));
  }
}

// Not for the watch's own thread: it may be here before watch() knows the id, and it forgets by itself.
void LocalEngine::answer(Job& job, Result<ResponseTimes> result) {
  if (job.watch_id != 0) m_watch.forget(job.watch_id);
  finish(job, std::move(result));
}

void LocalEngine::finish(Job& job, Result<ResponseTimes> result) {
  if (job.answered.exchange(true)) return;
  count(result);
  m_stats.request_seconds.observe(seconds(EngineClock::now() - job.submitted));
  job.finish(std::move(result));
  const std::lock_guard lock(m_mutex);
  if (--m_unanswered == 0) m_idle.notify_all();
  // The engine's thread may be waiting for the last request that another thread answers.
  if (m_state == State::kStopping) m_work.notify_all();
}

void LocalEngine::count(const Result<ResponseTimes>& result) {
  if (result) {
    m_stats.requests_succeeded.add();
    return;
  }
  switch (result.error().code) {
    case StatusCode::kOverloaded:
    case StatusCode::kUnavailable: m_stats.requests_overloaded.add(); return;
    case StatusCode::kDeadlineExceeded: m_stats.requests_expired.add(); return;
    case StatusCode::kCancelled: m_stats.requests_cancelled.add(); return;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kUnsupported:
    case StatusCode::kTooLarge: m_stats.requests_rejected.add(); return;
    case StatusCode::kCorruptFile:
    case StatusCode::kInternal: m_stats.requests_failed.add(); return;
  }
}

void LocalEngine::show_queue() {
  const auto texts = static_cast<int64_t>(m_queue.waiting_texts());
  const auto tokens = static_cast<int64_t>(m_queue.waiting_tokens());
  m_stats.queued_texts.add(texts - std::exchange(m_shown_texts, texts));
  m_stats.queued_tokens.add(tokens - std::exchange(m_shown_tokens, tokens));
}

}  // namespace vivace
