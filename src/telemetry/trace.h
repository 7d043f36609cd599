// Trace zones: which parts of the work took how long, on which thread, for `vivace bench --trace` and whoever opens its
// file in a browser's tracing page. While nobody records, a zone costs one load and a branch that is never taken.
//   void linear(…) { TRACE_ZONE("linear"); … }    // until the end of the block
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace vivace {

struct TraceEvent {
  const char* name = nullptr;
  int thread = 0;  // in the order in which threads were first seen
  int64_t begin_ns = 0;
  int64_t duration_ns = 0;
};

struct Trace {
  std::vector<TraceEvent> events;  // by begin, an outer zone before those inside it
  size_t dropped = 0;              // zones that a thread had no room for
};

// Zones that a thread can hold in one recording.
constexpr size_t kMaxTraceEvents = size_t{1} << 20;

// One recording at a time, of all threads; what was recorded before is forgotten. Zones that began before are left out,
// and so are those that are open when the recording stops.
void start_trace();
Trace stop_trace();

// Chrome's trace event format: complete events in microseconds from the first one's begin.
std::string to_chrome_json(const Trace& trace);

class TraceZone {
 public:
  // The name must be a string literal.
  explicit TraceZone(const char* name) {
    if (s_recording.load(std::memory_order_relaxed)) [[unlikely]] {
      begin(name);
    }
  }
  ~TraceZone() {
    if (m_name != nullptr) [[unlikely]] {
      end();
    }
  }
  TraceZone(const TraceZone&) = delete;
  TraceZone& operator=(const TraceZone&) = delete;

 private:
  friend void start_trace();
  friend Trace stop_trace();
  void begin(const char* name);
  void end() const;

  static std::atomic<bool> s_recording;
  const char* m_name = nullptr;  // nullptr: not recorded
  int64_t m_begin_ns = 0;
};

}  // namespace vivace

#define TRACE_ZONE(name) const ::vivace::TraceZone VIVACE_CONCAT(vivace_trace_zone_, __LINE__)(name)
