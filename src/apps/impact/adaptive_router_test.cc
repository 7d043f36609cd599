#include "apps/impact/adaptive_router.h"

#include <cmath>

#include <gtest/gtest.h>

#include "apps/impact/impact_json.h"
#include "apps/impact/impact_testing.h"

namespace vivace {
namespace {

TEST(AdaptiveRouter, RecordedDecisions) {
  const std::vector<std::string> lines = recorded_lines("router.jsonl");
  ASSERT_EQ(lines.size(), 150U);
  for (const std::string& line : lines) {
    const auto document = JsonDocument::parse(line, "router");
    ASSERT_TRUE(document);
    const JsonValue root = document->root();
    const JsonValue output = *root.get("output");
    const double threshold = *root.get("threshold")->as_double();
    const bool by_setter = *root.get("set_by")->as_string() == "setter";
    RouterConfig config;
    if (!by_setter) config.impact_threshold = threshold;
    AdaptiveRouter router(config);
    if (by_setter) router.set_impact_threshold(threshold);

    const auto message = read_message(root, {});
    ASSERT_TRUE(message);
    const bool forced = *root.get("kind")->as_string() == "forced";
    const RoutingDecision decision =
        forced ? router.force_deliberation("review")
               : router.route(*root.get("impact_score")->as_double(), message->printed_content);
    EXPECT_EQ(lane_name(decision.lane), *output.get("lane")->as_string()) << line;
    EXPECT_NEAR(decision.impact_score, *output.get("impact_score")->as_double(), 1e-12) << line;
    EXPECT_EQ(decision.lane == Lane::kDeliberation, *output.get("requires_deliberation")->as_bool()) << line;
    EXPECT_NEAR(router.impact_threshold(), *output.get("router_threshold")->as_double(), 1e-12) << line;
    EXPECT_EQ(decision.lane == Lane::kFast, *output.bool_or("fast_path_enabled", false)) << line;
    EXPECT_EQ(decision.opa_enforced, *output.bool_or("opa_enforced", false)) << line;
    EXPECT_EQ(decision.estimated_wait_seconds, *output.double_or("estimated_wait_time", 0)) << line;
    EXPECT_EQ(decision.forced, *output.bool_or("forced", false)) << line;
    EXPECT_EQ(decision.force_reason, *output.string_or("force_reason", "")) << line;
    if (forced) continue;
    EXPECT_EQ(intent_name(decision.intent), *output.get("intent_type")->as_string()) << line;
    EXPECT_NEAR(decision.dynamic_threshold, *output.get("dynamic_threshold")->as_double(), 1e-12) << line;
  }
}

// 40 needless deliberations of 100 decisions: 0.4 > 0.3, one step up.
TEST(AdaptiveRouter, LearnsFromNeedlessDeliberations) {
  AdaptiveRouter router;
  for (int i = 0; i < 100; ++i) {
    const RoutingDecision decision = router.route(i < 40 ? 0.9 : 0.1, "note");
    ASSERT_TRUE(router.report_outcome(decision.id, Outcome::kSuccess, 0.9));
  }
  EXPECT_NEAR(router.learn_threshold(), 0.85, 1e-12);
  EXPECT_NEAR(router.learn_threshold(), 0.90, 1e-12);
  EXPECT_NEAR(router.learn_threshold(), 0.95, 1e-12);
  EXPECT_NEAR(router.learn_threshold(), 0.95, 1e-12) << "not above the highest";
}

// Exactly 30 of 100 is not more than 0.3, a feedback of exactly 0.8 is not more than 0.8, and a missing one is 0.5.
TEST(AdaptiveRouter, RatesAtTheirLimitsChangeNothing) {
  AdaptiveRouter router;
  for (int i = 0; i < 100; ++i) {
    const RoutingDecision decision = router.route(i < 60 ? 0.9 : 0.1, "note");
    if (i < 30) {
      ASSERT_TRUE(router.report_outcome(decision.id, Outcome::kSuccess, 0.9));
    } else if (i < 50) {
      ASSERT_TRUE(router.report_outcome(decision.id, Outcome::kSuccess, 0.8));
    } else if (i >= 90) {
      ASSERT_TRUE(router.report_outcome(decision.id, i % 2 == 0 ? Outcome::kFailure : Outcome::kTimeout, {}));
    }
  }
  EXPECT_EQ(router.learn_threshold(), 0.8);
}

// 60 decisions, 7 of the fast ones went wrong: 7/60 > 0.1, one step down. At 49 decisions nothing is learnt.
TEST(AdaptiveRouter, LearnsFromMissedRisks) {
  AdaptiveRouter router;
  for (int i = 0; i < 49; ++i) {
    const RoutingDecision decision = router.route(0.1, "note");
    if (i < 7) {
      ASSERT_TRUE(router.report_outcome(decision.id, i < 4 ? Outcome::kFailure : Outcome::kTimeout, {}));
    }
  }
  EXPECT_EQ(router.learn_threshold(), 0.8);
  for (int i = 49; i < 60; ++i) router.route(0.1, "note");
  EXPECT_NEAR(router.learn_threshold(), 0.75, 1e-12);
}

TEST(AdaptiveRouter, LearnsFromTheLastHundredOnly) {
  AdaptiveRouter router;
  for (int i = 0; i < 200; ++i) {
    const RoutingDecision decision = router.route(0.1, "note");
    if (i < 100) {
      ASSERT_TRUE(router.report_outcome(decision.id, Outcome::kFailure, {}));
    }
  }
  EXPECT_EQ(router.learn_threshold(), 0.8);
}

TEST(AdaptiveRouter, HistoryIsBounded) {
  AdaptiveRouter router;
  for (int i = 0; i < 1001; ++i) router.route(0.1, "note");
  EXPECT_EQ(router.status().remembered, 1000U);
  EXPECT_EQ(router.report_outcome(1, Outcome::kSuccess, {}).error().code, StatusCode::kNotFound);
  EXPECT_TRUE(router.report_outcome(2, Outcome::kSuccess, {}));
  EXPECT_TRUE(router.report_outcome(1001, Outcome::kSuccess, {}));
  EXPECT_EQ(router.report_outcome(1002, Outcome::kSuccess, {}).error().code, StatusCode::kNotFound);
  EXPECT_EQ(router.report_outcome(5, Outcome::kSuccess, 1.5).error().code, StatusCode::kInvalidArgument);
}

TEST(AdaptiveRouter, SetterClamps) {
  AdaptiveRouter router;
  router.set_impact_threshold(7);
  EXPECT_EQ(router.impact_threshold(), 1);
  router.set_impact_threshold(-7);
  EXPECT_EQ(router.impact_threshold(), 0);
  router.set_impact_threshold(std::nan(""));
  EXPECT_EQ(router.impact_threshold(), 0);
}

TEST(AdaptiveRouter, OutcomesByName) {
  EXPECT_EQ(*parse_outcome("timeout"), Outcome::kTimeout);
  EXPECT_FALSE(parse_outcome("fine"));
}

}  // namespace
}  // namespace vivace
