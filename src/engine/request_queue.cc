#include "engine/request_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vivace {

Status cancelled() {
  return {StatusCode::kCancelled, "the request was cancelled"};
}

Status deadline_exceeded() {
  return {StatusCode::kDeadlineExceeded,
          "the request's deadline passed before it was answered; try again later, send fewer texts or allow more time"};
}

Result<void> check_alive(const Job& job, EngineClock::time_point now) {
  if (job.limits.cancel.stop_requested()) return std::unexpected(cancelled());
  if (job.limits.deadline && now >= *job.limits.deadline) return std::unexpected(deadline_exceeded());
  return {};
}

void RequestQueue::push(std::shared_ptr<Job> job) {
  m_waiting_texts += job->waiting();
  for (size_t i = job->next; i < job->work.sequences.size(); ++i) m_waiting_tokens += job->work.sequences[i].ids.size();
  m_jobs.push_back(std::move(job));
}

std::vector<BatchItem> RequestQueue::cut_batch(size_t token_budget, size_t slice_tokens) {
  std::vector<BatchItem> batch;
  std::deque<std::shared_ptr<Job>> others;  // of another output: they stay where they are
  size_t tokens = 0;
  while (!m_jobs.empty()) {
    auto job = std::move(m_jobs.front());
    m_jobs.pop_front();
    if (!batch.empty() && job->work.output != batch.front().job->work.output) {
      others.push_back(std::move(job));
      continue;
    }
    size_t slice = 0;
    bool budget_spent = false;
    while (job->waiting() > 0) {
      const size_t cost = job->cost(job->next);
      budget_spent = !batch.empty() && tokens + cost > token_budget;
      if (budget_spent || (slice != 0 && slice + cost > slice_tokens)) break;
      tokens += cost;
      slice += cost;
      m_waiting_texts -= 1;
      m_waiting_tokens -= job->work.sequences[job->next].ids.size();
      batch.push_back({job, job->next++});
    }
    if (budget_spent) {
      m_jobs.push_front(std::move(job));  // it did not have its full turn: first in the next batch
      break;
    }
    if (job->waiting() > 0) m_jobs.push_back(std::move(job));
  }
  m_jobs.insert(m_jobs.begin(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
  return batch;
}

void RequestQueue::forget(const Job& job) {
  m_waiting_texts -= job.waiting();
  for (size_t i = job.next; i < job.work.sequences.size(); ++i) m_waiting_tokens -= job.work.sequences[i].ids.size();
}

std::vector<std::shared_ptr<Job>> RequestQueue::remove_ended(EngineClock::time_point now) {
  const auto ended = std::stable_partition(m_jobs.begin(), m_jobs.end(),
                                           [&](const auto& job) { return check_alive(*job, now).has_value(); });
  std::vector<std::shared_ptr<Job>> removed(std::make_move_iterator(ended), std::make_move_iterator(m_jobs.end()));
  m_jobs.erase(ended, m_jobs.end());
  for (const auto& job : removed) forget(*job);
  return removed;
}

std::vector<std::shared_ptr<Job>> RequestQueue::remove_all() {
  std::vector<std::shared_ptr<Job>> removed(std::make_move_iterator(m_jobs.begin()),
                                            std::make_move_iterator(m_jobs.end()));
  m_jobs.clear();
  m_waiting_texts = 0;
  m_waiting_tokens = 0;
  return removed;
}

void RequestQueue::remove(const Job& job) {
  const auto found = std::ranges::find(m_jobs, &job, &std::shared_ptr<Job>::get);
  if (found == m_jobs.end()) return;
  forget(job);
  m_jobs.erase(found);
}

}  // namespace vivace
