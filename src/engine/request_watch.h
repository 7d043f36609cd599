// Ends requests on time: calls back when a deadline passes or a request is cancelled, whatever the thread that works on
// it is doing meanwhile.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>

namespace vivace {

enum class WatchEvent : uint8_t { kDeadline, kCancelled };

class RequestWatch {
 public:
  using Clock = std::chrono::steady_clock;
  using Callback = std::function<void(WatchEvent)>;  // on the watch's thread; must not block for long
  using StopCallback = std::stop_callback<std::function<void()>>;

  RequestWatch();
  ~RequestWatch();  // nothing is called afterwards
  RequestWatch(const RequestWatch&) = delete;
  RequestWatch& operator=(const RequestWatch&) = delete;

  // Watches until one of both happens, which calls back once, or forget(). Thread-safe, as all of it.
  uint64_t add(std::optional<Clock::time_point> deadline, const std::stop_token& cancel, Callback callback);
  // A callback that is running goes on.
  void forget(uint64_t id);

 private:
  struct Entry {
    Clock::time_point due;
    WatchEvent event = WatchEvent::kDeadline;
    Callback callback;
    std::unique_ptr<StopCallback> on_stop;
  };
  void cancel(uint64_t id);
  void run();
  void call_first(std::unique_lock<std::mutex>* lock);  // unlocks it meanwhile

  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::map<uint64_t, Entry> m_entries;
  std::set<std::pair<Clock::time_point, uint64_t>> m_due;  // the earliest first
  // When the thread looks next by itself: deadlines behind it need not wake it, so that requests which all have the
  // same time, and are answered long before it is over, cost no switch of threads.
  Clock::time_point m_wakes_at = Clock::time_point::min();
  uint64_t m_last_id = 0;
  bool m_ended = false;
  std::thread m_thread;
};

}  // namespace vivace
