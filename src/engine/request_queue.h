// Requests that wait for their texts to be computed, and how batches are cut from them.
//
// Not thread-safe: the engine guards it with its own lock. Pure data structure, tested without threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "engine/request.h"
#include "text/token_sequence.h"

namespace vivace {

using EngineClock = std::chrono::steady_clock;

// A request on its way through the engine.
struct PendingRequest {
  EmbedRequest request;  // without its texts, which are tokens now
  std::function<void(Result<EmbedResponse>)> done;
  std::vector<TokenSequence> sequences;
  EmbedResponse response;  // filled text by text
  size_t next = 0;         // first text that is in no batch yet
  size_t unfinished = 0;   // texts without an answer
  EngineClock::time_point submitted;
  EngineClock::time_point started;  // when its first batch began

  size_t waiting_texts() const { return sequences.size() - next; }
};

struct BatchItem {
  std::shared_ptr<PendingRequest> request;
  size_t text = 0;
};

class RequestQueue {
 public:
  void push(std::shared_ptr<PendingRequest> request);
  bool empty() const { return m_requests.empty(); }
  size_t waiting_texts() const { return m_waiting_texts; }
  size_t waiting_tokens() const { return m_waiting_tokens; }

  // Takes texts for one batch of at most token_budget tokens (a longer single text makes a batch of its own). Requests
  // take turns, each giving at most slice_tokens in a turn, so that a short request need not wait for a long list.
  std::vector<BatchItem> cut_batch(size_t token_budget, size_t slice_tokens);

  // Removes the requests that were cancelled or whose deadline is past; texts of theirs that were already computed are
  // lost.
  std::vector<std::shared_ptr<PendingRequest>> remove_ended(EngineClock::time_point now);
  std::vector<std::shared_ptr<PendingRequest>> remove_all();

 private:
  void forget(const PendingRequest& request);
  std::deque<std::shared_ptr<PendingRequest>> m_requests;  // each with a text that is in no batch yet
  size_t m_waiting_texts = 0;
  size_t m_waiting_tokens = 0;
};

// kCancelled or kDeadlineExceeded when the request has ended before its answer.
Result<void> check_alive(const PendingRequest& request, EngineClock::time_point now);

}  // namespace vivace
