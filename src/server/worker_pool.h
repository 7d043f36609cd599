// Threads for work that blocks (databases, whole pipelines), so that connections' threads never do. Bounded: what does
// not fit in the queue is refused.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/status.h"

namespace vivace {

class WorkerPool {
 public:
  WorkerPool(int threads, size_t max_queued);
  ~WorkerPool();  // stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs work on one of the threads. kOverloaded when the queue is full, kUnavailable after stop(). Thread-safe.
  Result<void> submit(std::function<void()> work);
  // Finishes what is queued, then ends the threads.
  void stop();

 private:
  void run();

  const size_t m_max_queued;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<std::function<void()>> m_queue;  // guarded by m_mutex
  bool m_stopping = false;                    // guarded by m_mutex
  std::vector<std::jthread> m_threads;
};

}  // namespace vivace
