#include "apps/detection/detection_jobs.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "apps/detection/callback_client.h"
#include "apps/detection/job_json.h"
#include "base/log.h"

namespace vivace {
namespace {

constexpr std::chrono::milliseconds kIdle{1000};
constexpr std::chrono::milliseconds kPause{200};  // before a model that is not ready is asked again
constexpr int64_t kMaxCallbackTries = 3;
constexpr std::chrono::seconds kCallbackLimit{10};

int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// https://www.rfc-editor.org/rfc/rfc9562, version 4.
std::string make_uuid() {
  std::random_device random;
  const auto bits = [&random] { return (uint64_t{random()} << 32) | random(); };
  const uint64_t high = (bits() & 0xFFFFFFFFFFFF0FFFU) | 0x4000U;
  const uint64_t low = (bits() & 0x3FFFFFFFFFFFFFFFU) | 0x8000000000000000U;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFFU, high & 0xFFFFU,
                     low >> 48, low & 0xFFFFFFFFFFFFU);
}

bool may_pass(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kOverloaded;
}

void log_failure(std::string_view what, const Status& problem) {
  log_error("detection jobs: {}: {}", what, problem.message);
}

}  // namespace

Result<std::unique_ptr<DetectionJobs>> DetectionJobs::open(DetectionJobOptions options, FindDetector find_detector,
                                                           DetectionStats& stats) {
  ASSIGN_OR_RETURN(std::unique_ptr<JobStore> store, JobStore::open(options.file));
  return std::unique_ptr<DetectionJobs>(
      new DetectionJobs(std::move(options), std::move(find_detector), stats, std::move(store)));
}

DetectionJobs::DetectionJobs(DetectionJobOptions options, FindDetector find_detector, DetectionStats& stats,
                             std::unique_ptr<JobStore> store)
    : m_options(std::move(options)),
      m_find_detector(std::move(find_detector)),
      m_stats(stats),
      m_store(std::move(store)) {
  show_waiting();
  m_worker = std::jthread([this](const std::stop_token& stop) { work(stop); });
  m_caller = std::jthread([this](const std::stop_token& stop) { call_back(stop); });
}

DetectionJobs::~DetectionJobs() {
  stop();
}

void DetectionJobs::stop() {
  m_worker.request_stop();
  m_caller.request_stop();
  {
    const std::scoped_lock lock(m_mutex);
    m_cancel.request_stop();
  }
  if (m_worker.joinable()) m_worker.join();
  if (m_caller.joinable()) m_caller.join();
}

Result<JobRecord> DetectionJobs::submit(const DetectionJobRequest& request) {
  ASSIGN_OR_RETURN(const uint64_t waiting, m_store->count_unfinished());
  if (waiting >= m_options.max_waiting) {
    return error(StatusCode::kOverloaded,
                 fmt::format("{} jobs are waiting, the limit is {}; try again later", waiting, m_options.max_waiting));
  }
  JobRecord job;
  job.id = make_uuid();
  job.options = write_job_options({.rule = request.rule, .details = request.details});
  job.callback_url = request.callback_url;
  job.total = request.sentences.size();
  job.created_ms = now_ms();
  RETURN_IF_ERROR(m_store->add(job, request.sentences));
  m_stats.jobs_accepted.add();
  show_waiting();
  const std::scoped_lock lock(m_mutex);
  ++m_changes;
  m_changed.notify_all();
  return job;
}

Result<JobRecord> DetectionJobs::cancel(std::string_view id) {
  ASSIGN_OR_RETURN(const bool ended, m_store->finish(id, JobStatus::kCancelled, "", now_ms()));
  ASSIGN_OR_RETURN(JobRecord job, m_store->find(id));
  if (!ended) {
    return error(StatusCode::kInvalidArgument, fmt::format("Job {} is {} already", id, job_status_name(job.status)));
  }
  m_stats.jobs_cancelled.add();
  show_waiting();
  const std::scoped_lock lock(m_mutex);
  if (m_running == id) m_cancel.request_stop();
  ++m_changes;
  m_changed.notify_all();
  return job;
}

Result<std::string> DetectionJobs::describe(std::string_view id) {
  ASSIGN_OR_RETURN(const JobRecord job, m_store->find(id));
  if (job.status != JobStatus::kComplete) return write_job(job);
  ASSIGN_OR_RETURN(const std::vector<JobItem> items, m_store->items(id));
  ASSIGN_OR_RETURN(const std::vector<std::string> results, m_store->results(id));
  return write_complete_job(job, items, results);
}

void DetectionJobs::wait(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::unique_lock lock(m_mutex);
  m_changed.wait_for(lock, stop, time, [this, seen = m_changes] { return m_changes != seen; });
}

void DetectionJobs::show_waiting() {
  const auto waiting = m_store->count_unfinished();
  if (waiting) m_stats.jobs_waiting.set(static_cast<int64_t>(*waiting));
}

void DetectionJobs::expire() {
  const auto removed = m_store->remove_ended(now_ms() - m_options.keep.count());
  if (!removed) return log_failure("cannot remove old jobs", removed.error());
  m_stats.jobs_expired.add(*removed);
}

void DetectionJobs::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    expire();
    const auto job = m_store->take_turn();
    if (!job) log_failure("cannot read the file", job.error());
    if (!job || !*job) {
      wait(stop, kIdle);
      continue;
    }
    run_turn(**job, stop);
  }
}

void DetectionJobs::run_turn(const JobRecord& job, const std::stop_token& stop) {
  const auto detector = m_find_detector();
  if (!detector) {
    if (may_pass(detector.error().code)) return wait(stop, kPause);
    return end(job.id, JobStatus::kFailed, detector.error().message);
  }
  auto items = m_store->open_items(job.id, m_options.sentences_a_turn);
  if (!items) {
    log_failure("cannot read a job", items.error());
    return wait(stop, kIdle);
  }
  if (items->empty()) return end(job.id, JobStatus::kComplete, "");
  const size_t computed = items->size();
  const auto done = compute(job, *detector, std::move(*items), stop);
  if (done) {
    if (*done && job.done + computed >= job.total) end(job.id, JobStatus::kComplete, "");
    return;
  }
  if (may_pass(done.error().code)) return wait(stop, kPause);
  end(job.id, JobStatus::kFailed, done.error().message);
}

Result<bool> DetectionJobs::compute(const JobRecord& job, const Detector& detector, std::vector<JobItem> items,
                                    const std::stop_token& stop) {
  const auto options = read_job_options(job.options);
  if (!options) return std::unexpected(options.error());
  DetectRequest request;
  request.rule = options->rule;
  for (JobItem& item : items) request.sentences.push_back(std::move(item.text));
  {
    const std::scoped_lock lock(m_mutex);
    if (stop.stop_requested()) return false;
    m_running = job.id;
    m_cancel = std::stop_source();
    request.cancel = m_cancel.get_token();
  }
  const auto start = std::chrono::steady_clock::now();
  const auto response = detector.run(std::move(request));
  if (!response && response.error().code == StatusCode::kCancelled) return false;
  if (!response) return std::unexpected(response.error());
  JobProgress progress;
  progress.compute_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  progress.worker = detector.model_version();
  progress.cached = response->cached;
  for (size_t i = 0; i < items.size(); ++i) {
    const SentenceScore& score = response->sentences[i];
    progress.results.push_back({items[i].position, write_job_result(score)});
    m_stats.sentences.add();
    m_stats.words.add(score.probabilities.size());
    m_stats.truncated_words.add(score.truncated_words);
  }
  m_stats.cached.add(response->cached);
  RETURN_IF_ERROR(m_store->put_results(job.id, progress));
  return true;
}

void DetectionJobs::end(const std::string& id, JobStatus status, std::string_view problem) {
  const auto ended = m_store->finish(id, status, problem, now_ms());
  if (!ended) return log_failure("cannot end a job", ended.error());
  if (!*ended) return;  // cancelled meanwhile
  (status == JobStatus::kComplete ? m_stats.jobs_complete : m_stats.jobs_failed).add();
  if (!problem.empty()) log_error("detection job {} failed: {}", id, problem);
  show_waiting();
  const std::scoped_lock lock(m_mutex);
  ++m_changes;
  m_changed.notify_all();
}

void DetectionJobs::call_back(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto due = m_store->due_callback(now_ms());
    if (!due) log_failure("cannot read the file", due.error());
    if (!due || !*due) {
      wait(stop, std::min(kIdle, m_options.callback_delay));
      continue;
    }
    const auto done = deliver(**due);
    if (!done) log_failure("cannot note a callback", done.error());
  }
}

Result<void> DetectionJobs::deliver(const CallbackState& callback) {
  ASSIGN_OR_RETURN(const JobRecord job, m_store->find(callback.job_id));
  auto sent = check_callback(job.callback_url, m_options.callback_hosts);  // the list may be another one by now
  const bool allowed = sent.has_value();
  if (allowed) {
    ASSIGN_OR_RETURN(const std::string body, describe(job.id));
    sent = post_callback(job.callback_url, body, kCallbackLimit);
  }
  if (sent) {
    m_stats.callbacks_delivered.add();
    return m_store->end_callback(job.id);
  }
  const int64_t tries = callback.tries + 1;
  log_warning("detection job {}: try {} of {}: {}", job.id, tries, kMaxCallbackTries, sent.error().message);
  if (!allowed || tries >= kMaxCallbackTries) {
    m_stats.callbacks_failed.add();
    return m_store->end_callback(job.id);
  }
  return m_store->retry_callback(job.id, now_ms() + m_options.callback_delay.count() * (tries == 1 ? 1 : 4));
}

}  // namespace vivace
