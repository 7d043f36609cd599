#include "apps/detection/detection_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::HasSubstr;

TEST(DetectionLabels, FindsTheLabelThatMeansAi) {
  EXPECT_EQ(find_ai_label({"human", "ai"}, "").value(), 1U);
  EXPECT_EQ(find_ai_label({"AI-generated", "Human-written"}, "").value(), 0U);
  EXPECT_EQ(find_ai_label({"Real", "x"}, "").value(), 1U);
  EXPECT_EQ(find_ai_label({"LABEL_0", "LABEL_1"}, "").value(), 1U);
  EXPECT_EQ(find_ai_label({"human", "mixed", "ChatGPT"}, "").value(), 2U);
  EXPECT_EQ(find_ai_label({"human", "ai"}, "human").value(), 0U);
}

TEST(DetectionLabels, AsksWhereNamesDoNotTell) {
  for (const std::vector<std::string>& labels : {std::vector<std::string>{"O", "B-PER", "I-PER"},
                                                 {"yes", "no"},
                                                 {"ai", "AI"},
                                                 {"LABEL_0", "LABEL_1", "LABEL_2"}}) {
    const auto found = find_ai_label(labels, "");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, StatusCode::kUnsupported);
    EXPECT_THAT(found.error().message, HasSubstr("--label"));
    EXPECT_THAT(found.error().message, HasSubstr(labels.back()));
  }
  EXPECT_THAT(find_ai_label({"human", "ai"}, "robot").error().message, HasSubstr("there is no label 'robot'"));
}

TEST(DetectionLabels, ClassifiesAverages) {
  EXPECT_EQ(classify_average(0.6), "ai_generated");
  EXPECT_EQ(classify_average(0.5999), "mixed");
  EXPECT_EQ(classify_average(0.4001), "mixed");
  EXPECT_EQ(classify_average(0.4), "human_written");
  EXPECT_EQ(classify_average(0), "human_written");
}

}  // namespace
}  // namespace vivace
