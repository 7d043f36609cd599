#include "engine/request_watch.h"

#include <memory>
#include <utility>

namespace vivace {

RequestWatch::RequestWatch() : m_thread([this] { run(); }) {}

RequestWatch::~RequestWatch() {
  std::map<uint64_t, Entry> entries;
  {
    const std::lock_guard lock(m_mutex);
    m_ended = true;
    entries.swap(m_entries);
    m_due.clear();
  }
  m_changed.notify_all();
  m_thread.join();
}

uint64_t RequestWatch::add(std::optional<Clock::time_point> deadline, const std::stop_token& cancel,
                           Callback callback) {
  uint64_t id = 0;
  bool wakes_anyway = false;
  {
    const std::lock_guard lock(m_mutex);
    id = ++m_last_id;
    const Clock::time_point due = deadline.value_or(Clock::time_point::max());
    m_entries.emplace(id, Entry{.due = due, .callback = std::move(callback), .on_stop = nullptr});
    m_due.emplace(due, id);
    wakes_anyway = m_wakes_at <= due;
  }
  if (!wakes_anyway) m_changed.notify_one();
  if (!cancel.stop_possible()) return id;
  // Without the lock: a token that is stopped already calls at once.
  auto on_stop = std::make_unique<StopCallback>(cancel, [this, id] { this->cancel(id); });
  const std::lock_guard lock(m_mutex);
  if (const auto entry = m_entries.find(id); entry != m_entries.end()) entry->second.on_stop = std::move(on_stop);
  return id;
}

// Entries are destroyed without the lock: the end of a StopCallback waits for one that runs, which wants the lock.
void RequestWatch::forget(uint64_t id) {
  decltype(m_entries)::node_type node;
  const std::lock_guard lock(m_mutex);
  if (const auto entry = m_entries.find(id); entry != m_entries.end()) {
    m_due.erase({entry->second.due, id});
    node = m_entries.extract(entry);
  }
}

void RequestWatch::cancel(uint64_t id) {
  {
    const std::lock_guard lock(m_mutex);
    const auto entry = m_entries.find(id);
    if (entry == m_entries.end()) return;
    m_due.erase({entry->second.due, id});
    entry->second.due = Clock::time_point::min();
    entry->second.event = WatchEvent::kCancelled;
    m_due.emplace(entry->second.due, id);
  }
  m_changed.notify_one();
}

void RequestWatch::call_first(std::unique_lock<std::mutex>* lock) {
  {
    const auto node = m_entries.extract(m_due.begin()->second);
    m_due.erase(m_due.begin());
    lock->unlock();
    node.mapped().callback(node.mapped().event);
  }
  lock->lock();
}

void RequestWatch::run() {
  std::unique_lock lock(m_mutex);
  while (!m_ended) {
    m_wakes_at = m_due.empty() ? Clock::time_point::max() : m_due.begin()->first;
    if (m_wakes_at == Clock::time_point::max()) {
      m_changed.wait(lock);
    } else if (m_wakes_at > Clock::now()) {
      m_changed.wait_until(lock, m_wakes_at);
    } else {
      call_first(&lock);
    }
  }
}

}  // namespace vivace
