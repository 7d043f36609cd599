#include "apps/impact/agent_histories.h"

#include <string>

#include <gtest/gtest.h>

namespace vivace {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(AgentHistories, MessagesCountInsideTheWindow) {
  steady_clock::time_point now{};
  AgentHistories histories(ScoringConfig(), [&] { return now; });
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(histories.record("a", 0).messages, i);
    now += seconds(1);
  }
  EXPECT_EQ(histories.record("b", 0).messages, 0U);
  now = steady_clock::time_point{} + seconds(60);  // the first message is 60 s old, the second 59
  EXPECT_EQ(histories.record("a", 0).messages, 29U);
  now += seconds(1000);
  EXPECT_EQ(histories.record("a", 0).messages, 0U);
}

TEST(AgentHistories, WithoutWindowMessagesCountForever) {
  ScoringConfig config;
  config.volume_window_seconds = 0;
  steady_clock::time_point now{};
  AgentHistories histories(config, [&] { return now; });
  for (size_t i = 0; i < 160; ++i) {
    EXPECT_EQ(histories.record("a", 0).messages, std::min<size_t>(i, 150)) << "counts stop where no factor changes";
    now += seconds(1000);
  }
}

TEST(AgentHistories, DriftIsTwiceTheDistanceFromTheMeanOfTheLastTwenty) {
  AgentHistories histories{ScoringConfig()};
  EXPECT_EQ(histories.record("a", 0.5).drift, 0);
  EXPECT_NEAR(histories.record("a", 0.1).drift, 0.8, 1e-12);
  EXPECT_NEAR(histories.record("a", 0.4).drift, 0.2, 1e-12);  // mean 0.3
  for (int i = 0; i < 20; ++i) histories.record("a", 0.2);
  EXPECT_NEAR(histories.record("a", 0.3).drift, 0.2, 1e-12) << "the first three are forgotten";
  EXPECT_EQ(histories.record("a", 1.0).drift, 1) << "never above 1";
}

TEST(AgentHistories, TheAgentThatWasSilentLongestIsForgotten) {
  ScoringConfig config;
  config.max_agents = 2;
  AgentHistories histories(config);
  histories.record("a", 0);
  histories.record("b", 0);
  histories.record("a", 0);
  histories.record("c", 0);  // b goes
  EXPECT_EQ(histories.agents(), 2U);
  EXPECT_EQ(histories.forgotten(), 1U);
  EXPECT_EQ(histories.record("a", 0).messages, 2U);
  EXPECT_EQ(histories.record("b", 0).messages, 0U);
  histories.clear();
  EXPECT_EQ(histories.agents(), 0U);
}

}  // namespace
}  // namespace vivace
