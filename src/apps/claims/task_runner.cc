#include "apps/claims/task_runner.h"

#include <chrono>
#include <utility>

#include "apps/claims/retry.h"
#include "apps/claims/uuid.h"
#include "base/log.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

Clock::duration seconds(double value) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
}

}  // namespace

TaskRunner::TaskRunner(EvidenceStore& store, TaskOptions options, Work work)
    : m_store(store), m_options(options), m_work(std::move(work)) {
  for (int i = 0; i < m_options.workers; ++i) {
    m_threads.emplace_back([this](const std::stop_token& stop) { run(stop, random_uuid()); });
  }
}

TaskRunner::~TaskRunner() {
  for (std::jthread& thread : m_threads) thread.request_stop();
  m_threads.clear();
}

void TaskRunner::wake() {
  {
    const std::lock_guard lock(m_mutex);
    ++m_wakes;
  }
  m_woken.notify_one();
}

void TaskRunner::run(const std::stop_token& stop, const std::string& owner) {
  Clock::time_point next_sweep = Clock::now();
  while (!stop.stop_requested()) {
    uint64_t wakes = 0;
    {
      const std::lock_guard lock(m_mutex);
      wakes = m_wakes;
    }
    if (run_one(stop, owner)) continue;
    if (Clock::now() >= next_sweep) {
      sweep();
      next_sweep = Clock::now() + seconds(m_options.sweep_seconds);
    }
    std::unique_lock lock(m_mutex);
    m_woken.wait_for(lock, stop, seconds(m_options.poll_seconds), [&] { return m_wakes != wakes; });
  }
}

// False when there was nothing to do.
bool TaskRunner::run_one(const std::stop_token& stop, const std::string& owner) {
  Result<std::optional<TaskRecord>> taken = m_store.take_task(owner, m_options.lease_seconds);
  if (!taken) {
    log_warning("tasks cannot be read: {}", taken.error().message);
    return false;
  }
  if (!*taken) return false;
  TaskRecord task = std::move(**taken);
  std::mutex mutex;  // guards the task's progress while it is worked on
  const auto progress = [&](uint64_t percent) {
    const std::lock_guard lock(mutex);
    task.progress = percent;
    return m_store.update_task(owner, m_options.lease_seconds, task);
  };
  // A stage may take longer than a lease: as long as this process lives the task stays its own.
  std::jthread renewing([&](const std::stop_token& done) { renew_lease(done, owner, task, mutex); });
  Result<std::string> result = m_work(task, progress, stop);
  renewing = {};
  if (!result && stop.stop_requested()) {
    task.status = TaskStatus::kPending;
    task.progress = 0;
  } else if (result) {
    task.status = TaskStatus::kCompleted;
    task.progress = 100;
    task.result = std::move(*result);
  } else {
    task.status = TaskStatus::kFailed;
    task.error = result.error().message;
  }
  int retries = 0;
  const auto written = with_retries(kWriteRetries, Patience{}, &retries,
                                    [&] { return m_store.update_task(owner, m_options.lease_seconds, task); });
  if (!written) {
    log_warning("task {}: its end could not be written: {}", task.id, written.error().message);
  }
  return true;
}

// Until the work is done, or the task is no longer the owner's.
void TaskRunner::renew_lease(const std::stop_token& done, const std::string& owner, const TaskRecord& task,
                             std::mutex& mutex) {
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  for (;;) {
    woken.wait_for(lock, done, seconds(m_options.lease_seconds / 3), [] { return false; });
    if (done.stop_requested()) return;
    const auto renewed = m_store.update_task(owner, m_options.lease_seconds, task);
    if (!renewed && renewed.error().code == StatusCode::kNotFound) return;
  }
}

void TaskRunner::sweep() {
  if (const auto removed = m_store.remove_old_tasks(m_options.keep_seconds); !removed) {
    log_warning("old tasks cannot be removed: {}", removed.error().message);
  }
}

}  // namespace vivace
