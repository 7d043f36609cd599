#include "engine/request_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vivace {

Result<void> check_alive(const PendingRequest& request, EngineClock::time_point now) {
  if (request.request.cancel.stop_requested()) return error(StatusCode::kCancelled, "the request was cancelled");
  if (request.request.deadline && now >= *request.request.deadline) {
    return error(StatusCode::kDeadlineExceeded,
                 "the request's deadline passed before it was answered; try again later, "
                 "send fewer texts or allow more time");
  }
  return {};
}

void RequestQueue::push(std::shared_ptr<PendingRequest> request) {
  m_waiting_texts += request->waiting_texts();
  for (size_t i = request->next; i < request->sequences.size(); ++i)
    m_waiting_tokens += request->sequences[i].ids.size();
  m_requests.push_back(std::move(request));
}

std::vector<BatchItem> RequestQueue::cut_batch(size_t token_budget, size_t slice_tokens) {
  std::vector<BatchItem> batch;
  size_t tokens = 0;
  while (!m_requests.empty()) {
    auto request = std::move(m_requests.front());
    m_requests.pop_front();
    size_t slice = 0;
    bool budget_spent = false;
    while (request->next < request->sequences.size()) {
      const size_t count = request->sequences[request->next].ids.size();
      budget_spent = !batch.empty() && tokens + count > token_budget;
      if (budget_spent || (slice != 0 && slice + count > slice_tokens)) break;
      tokens += count;
      slice += count;
      batch.push_back({request, request->next++});
      m_waiting_texts -= 1;
      m_waiting_tokens -= count;
    }
    if (budget_spent) {
      m_requests.push_front(std::move(request));  // it did not have its full turn: first in the next batch
      break;
    }
    if (request->waiting_texts() > 0) m_requests.push_back(std::move(request));
  }
  return batch;
}

void RequestQueue::forget(const PendingRequest& request) {
  m_waiting_texts -= request.waiting_texts();
  for (size_t i = request.next; i < request.sequences.size(); ++i) m_waiting_tokens -= request.sequences[i].ids.size();
}

std::vector<std::shared_ptr<PendingRequest>> RequestQueue::remove_ended(EngineClock::time_point now) {
  const auto ended = std::stable_partition(m_requests.begin(), m_requests.end(),
                                           [&](const auto& request) { return check_alive(*request, now).has_value(); });
  std::vector<std::shared_ptr<PendingRequest>> removed(std::make_move_iterator(ended),
                                                       std::make_move_iterator(m_requests.end()));
  m_requests.erase(ended, m_requests.end());
  for (const auto& request : removed) forget(*request);
  return removed;
}

std::vector<std::shared_ptr<PendingRequest>> RequestQueue::remove_all() {
  std::vector<std::shared_ptr<PendingRequest>> removed(std::make_move_iterator(m_requests.begin()),
                                                       std::make_move_iterator(m_requests.end()));
  m_requests.clear();
  m_waiting_texts = 0;
  m_waiting_tokens = 0;
  return removed;
}

}  // namespace vivace
