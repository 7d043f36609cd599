#include "telemetry/trace.h"

#include <thread>

#include <gmock/gmock.h>

#include "base/json.h"

namespace vivace {
namespace {

void inner() {
  TRACE_ZONE("inner");
}

void outer() {
  TRACE_ZONE("outer");
  inner();
  inner();
}

std::vector<std::string> names(const Trace& trace) {
  std::vector<std::string> found;
  for (const TraceEvent& event : trace.events) found.emplace_back(event.name);
  return found;
}

TEST(TraceTest, RecordsZonesOnlyBetweenStartAndStop) {
  outer();
  start_trace();
  outer();
  const Trace trace = stop_trace();
  outer();
  EXPECT_THAT(names(trace), testing::ElementsAre("outer", "inner", "inner"));
  EXPECT_EQ(trace.dropped, 0U);
  EXPECT_TRUE(stop_trace().events.empty());
}

TEST(TraceTest, ZonesLieInsideTheOneThatOpenedThem) {
  start_trace();
  outer();
  const std::vector<TraceEvent> events = stop_trace().events;
  ASSERT_EQ(events.size(), 3U);
  for (size_t i = 1; i < events.size(); ++i) {
    EXPECT_GE(events[i].begin_ns, events[0].begin_ns);
    EXPECT_LE(events[i].begin_ns + events[i].duration_ns, events[0].begin_ns + events[0].duration_ns);
  }
  EXPECT_GE(events[2].begin_ns, events[1].begin_ns + events[1].duration_ns);
}

TEST(TraceTest, ZonesOpenAtStartOrStopAreLeftOut) {
  {
    TRACE_ZONE("open before");
    start_trace();
    inner();
  }
  {
    TRACE_ZONE("open after");
    EXPECT_THAT(names(stop_trace()), testing::ElementsAre("inner"));
    start_trace();
  }
  EXPECT_TRUE(stop_trace().events.empty());
}

TEST(TraceTest, ThreadsThatEndedAreRecordedUnderTheirOwnNumber) {
  start_trace();
  inner();
  std::thread(outer).join();
  std::thread(outer).join();
  const Trace trace = stop_trace();
  ASSERT_EQ(trace.events.size(), 7U);
  EXPECT_NE(trace.events[0].thread, trace.events[1].thread);
  EXPECT_EQ(trace.events[1].thread, trace.events[3].thread);
  EXPECT_NE(trace.events[1].thread, trace.events[4].thread);
}

// Threads work while recordings start and stop; what each finds is complete events in order.
TEST(TraceTest, RecordingsMayStartAndStopWhileThreadsWork) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop.load()) outer();
    });
  }
  size_t seen = 0;
  for (int i = 0; i < 200 || seen == 0; ++i) {
    start_trace();
    std::this_thread::yield();
    const Trace trace = stop_trace();
    seen += trace.events.size();
    for (size_t k = 0; k < trace.events.size(); ++k) {
      ASSERT_NE(trace.events[k].name, nullptr);
      ASSERT_GE(trace.events[k].duration_ns, 0);
      const int64_t before = k > 0 ? trace.events[k - 1].begin_ns : 0;
      ASSERT_GE(trace.events[k].begin_ns, before);
    }
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
}

TEST(TraceTest, AThreadKeepsAtMostSoManyZones) {
  start_trace();
  for (size_t i = 0; i < kMaxTraceEvents + 3; ++i) inner();
  const Trace trace = stop_trace();
  EXPECT_EQ(trace.events.size(), kMaxTraceEvents);
  EXPECT_EQ(trace.dropped, 3U);
}

TEST(TraceTest, ChromeJsonHasMicrosecondsFromTheFirstZone) {
  const Trace trace{.events = {{"a", 0, 5000, 2500}, {"b", 1, 6001, 10}}, .dropped = 7};
  EXPECT_EQ(to_chrome_json(trace),
            R"({"displayTimeUnit":"ms","traceEvents":[)"
            R"({"name":"a","ph":"X","pid":1,"tid":0,"ts":0,"dur":2.5},)"
            R"({"name":"b","ph":"X","pid":1,"tid":1,"ts":1.001,"dur":0.01}],"otherData":{"dropped_zones":7}})");
  EXPECT_EQ(to_chrome_json({}), R"({"displayTimeUnit":"ms","traceEvents":[],"otherData":{"dropped_zones":0}})");
}

}  // namespace
}  // namespace vivace
