#include "telemetry/trace.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include "base/json_writer.h"

namespace vivace {

constinit std::atomic<bool> TraceZone::s_recording{false};

namespace {

// The events of one thread. Only that thread writes, so its lock is free but for the moments of start and stop.
struct ThreadEvents {
  std::mutex mutex;
  int thread = 0;
  std::vector<TraceEvent> events;
  size_t dropped = 0;
  int64_t not_before_ns = 0;  // zones that began earlier belong to a former recording
};

// Those of all threads, also of threads that have ended since.
struct AllEvents {
  std::mutex mutex;
  std::vector<std::shared_ptr<ThreadEvents>> threads;
  int next_thread = 0;
  int64_t started_ns = 0;
};

AllEvents& all_events() {
  static AllEvents all;
  return all;
}

int64_t now_ns() {
  using std::chrono::nanoseconds;
  return std::chrono::duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

ThreadEvents& own_events() {
  thread_local const std::shared_ptr<ThreadEvents> own = [] {
    AllEvents& all = all_events();
    auto created = std::make_shared<ThreadEvents>();
    const std::lock_guard lock(all.mutex);
    created->thread = all.next_thread++;
    created->not_before_ns = all.started_ns;
    all.threads.push_back(created);
    return created;
  }();
  return *own;
}

}  // namespace

void TraceZone::begin(const char* name) {
  m_name = name;
  m_begin_ns = now_ns();
}

void TraceZone::end() const {
  const int64_t end_ns = now_ns();
  ThreadEvents& own = own_events();
  const std::lock_guard lock(own.mutex);
  // Looked at under the lock: once stop_trace() has taken this thread's events, none may follow.
  if (!s_recording.load(std::memory_order_relaxed) || m_begin_ns < own.not_before_ns) return;
  if (own.events.size() == kMaxTraceEvents) {
    ++own.dropped;
    return;
  }
  own.events.push_back({m_name, own.thread, m_begin_ns, end_ns - m_begin_ns});
}

void start_trace() {
  AllEvents& all = all_events();
  const std::lock_guard lock(all.mutex);
  all.started_ns = now_ns();
  std::erase_if(all.threads, [](const auto& events) { return events.use_count() == 1; });  // the thread has ended
  for (const auto& events : all.threads) {
    const std::lock_guard own(events->mutex);
    events->events.clear();
    events->dropped = 0;
    events->not_before_ns = all.started_ns;
  }
  TraceZone::s_recording.store(true, std::memory_order_relaxed);
}

Trace stop_trace() {
  AllEvents& all = all_events();
  const std::lock_guard lock(all.mutex);
  TraceZone::s_recording.store(false, std::memory_order_relaxed);
  Trace trace;
  for (const auto& events : all.threads) {
    const std::lock_guard own(events->mutex);
    trace.events.insert(trace.events.end(), events->events.begin(), events->events.end());
    trace.dropped += events->dropped;
    events->events = {};
  }
  std::ranges::stable_sort(trace.events, [](const TraceEvent& a, const TraceEvent& b) {
    return a.begin_ns != b.begin_ns ? a.begin_ns < b.begin_ns : a.duration_ns > b.duration_ns;
  });
  return trace;
}

std::string to_chrome_json(const Trace& trace) {
  const int64_t origin = trace.events.empty() ? 0 : trace.events.front().begin_ns;
  const auto microseconds = [](int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; };
  JsonWriter json;
  json.begin_object().key("displayTimeUnit").value("ms").key("traceEvents").begin_array();
  for (const TraceEvent& event : trace.events) {
    json.begin_object().key("name").value(event.name).key("ph").value("X").key("pid").value(1);
    json.key("tid").value(event.thread).key("ts").value(microseconds(event.begin_ns - origin));
    json.key("dur").value(microseconds(event.duration_ns)).end_object();
  }
  json.end_array().key("otherData").begin_object();
  json.key("dropped_zones").value(static_cast<uint64_t>(trace.dropped)).end_object();
  return json.end_object().take();
}

}  // namespace vivace
