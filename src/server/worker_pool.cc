#include "server/worker_pool.h"

#include <utility>

namespace vivace {

WorkerPool::WorkerPool(int threads, size_t max_queued) : m_max_queued(max_queued) {
  for (int i = 0; i < threads; ++i) m_threads.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
  stop();
}

Result<void> WorkerPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(m_mutex);
    if (m_stopping) return error(StatusCode::kUnavailable, "the server is stopping");
    if (m_queue.size() >= m_max_queued) {
      return error(StatusCode::kOverloaded, "too many requests wait already; try again in a moment");
    }
    m_queue.push_back(std::move(work));
  }
  m_changed.notify_one();
  return {};
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
  }
  m_changed.notify_all();
  m_threads.clear();
}

void WorkerPool::run() {
  std::unique_lock lock(m_mutex);
  while (true) {
    m_changed.wait(lock, [this] { return m_stopping || !m_queue.empty(); });
    if (m_queue.empty()) return;
    const std::function<void()> work = std::move(m_queue.front());
    m_queue.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace vivace
