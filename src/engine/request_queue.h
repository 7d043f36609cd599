// Jobs that wait for their sequences to be computed, and how batches are cut from them.
//
// Not thread-safe: the engine guards it with its own lock. Pure data structure, tested without threads.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "engine/job.h"

namespace vivace {

struct BatchItem {
  std::shared_ptr<Job> job;
  size_t sequence = 0;
};

class RequestQueue {
 public:
  void push(std::shared_ptr<Job> job);
  bool empty() const { return m_jobs.empty(); }
  size_t waiting_texts() const { return m_waiting_texts; }
  size_t waiting_tokens() const { return m_waiting_tokens; }

  // Takes sequences of one output for one batch that costs at most token_budget (a longer single sequence makes a batch
  // of its own). Jobs take turns, each giving at most slice_tokens in a turn, so that a short one need not wait for a
  // long list.
  std::vector<BatchItem> cut_batch(size_t token_budget, size_t slice_tokens);

  // Removes the jobs that were cancelled or whose deadline is past; what was already computed of them is lost.
  std::vector<std::shared_ptr<Job>> remove_ended(EngineClock::time_point now);
  std::vector<std::shared_ptr<Job>> remove_all();
  // Removes that job, if it is here.
  void remove(const Job& job);

 private:
  void forget(const Job& job);
  std::deque<std::shared_ptr<Job>> m_jobs;  // each with a sequence that is in no batch yet
  size_t m_waiting_texts = 0;
  size_t m_waiting_tokens = 0;
};

// Why a job may end before its answer.
Status cancelled();
Status deadline_exceeded();
// One of them when the job has ended before its answer.
Result<void> check_alive(const Job& job, EngineClock::time_point now);

}  // namespace vivace
