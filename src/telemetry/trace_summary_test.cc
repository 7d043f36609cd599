#include "telemetry/trace_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(TraceSummary, InnerZonesAreTakenFromOuterOnes) {
  Trace trace;
  trace.events = {{"pass", 0, 0, 100},  {"layer", 0, 0, 40},   {"linear", 0, 10, 20}, {"layer", 1, 20, 30},
                  {"layer", 0, 40, 50}, {"linear", 0, 60, 30}, {"pass", 0, 200, 10},  {"linear", 1, 300, 5}};
  const std::vector<ZoneTotal> zones = summarize_zones(trace);
  ASSERT_EQ(zones.size(), 3U);
  EXPECT_EQ(zones[0].name, "layer");
  EXPECT_EQ(zones[0].calls, 3U);
  EXPECT_EQ(zones[0].total_ns, 120);
  EXPECT_EQ(zones[0].self_ns, 120 - 20 - 30);
  EXPECT_EQ(zones[1].name, "linear");
  EXPECT_EQ(zones[1].self_ns, 55);
  EXPECT_EQ(zones[2].name, "pass");
  EXPECT_EQ(zones[2].total_ns, 110);
  EXPECT_EQ(zones[2].self_ns, 20);
}

TEST(TraceSummary, NothingRecordedIsNothing) {
  EXPECT_TRUE(summarize_zones({}).empty());
}

}  // namespace
}  // namespace vivace
