#include "formats/task_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<TaskConfig> read(std::string_view json) {
  const auto document = JsonDocument::parse(json, "config.json");
  if (!document) return std::unexpected(document.error());
  return read_task_config(document->root());
}

TaskConfig task_of(std::string_view json) {
  const auto task = read(json);
  EXPECT_TRUE(task) << json << ": " << task.error().message;
  return task.value_or(TaskConfig{});
}

std::string error_of(std::string_view json) {
  const auto task = read(json);
  return task ? "no error" : task.error().message;
}

TEST(TaskConfigTest, TheSuffixOfTheArchitectureIsTheTask) {
  const std::pair<const char*, ModelTask> cases[] = {
      {R"({"architectures": ["BertForSequenceClassification"]})", ModelTask::kSequenceClassification},
      {R"({"architectures": ["XLMRobertaForTokenClassification"]})", ModelTask::kTokenClassification},
      {R"({"architectures": ["ModernBertForMaskedLM"]})", ModelTask::kMaskedLanguageModel},
      {R"({"architectures": ["BertForQuestionAnswering"]})", ModelTask::kEmbedding},
      {R"({"architectures": ["BertModel"]})", ModelTask::kEmbedding},
      {R"({"architectures": []})", ModelTask::kEmbedding},
      {R"({"architectures": null})", ModelTask::kEmbedding},
      {R"({})", ModelTask::kEmbedding},
  };
  for (const auto& [json, task] : cases) EXPECT_EQ(task_of(json).task, task) << json;
}

TEST(TaskConfigTest, LabelsComeByNumberNotByPlace) {
  const char* const head = R"({"architectures": ["BertForSequenceClassification"], )";
  const auto with = [&](std::string_view rest) { return head + std::string(rest) + "}"; };
  EXPECT_THAT(task_of(with(R"("id2label": {"2": "c", "0": "a", "1": "b"})")).labels, ElementsAre("a", "b", "c"));
  EXPECT_THAT(task_of(with(R"("num_labels": 3)")).labels, ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(task_of(with(R"("id2label": null)")).labels, ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(error_of(with(R"("id2label": {"0": "a", "2": "b"})")), HasSubstr("2 labels, but none for number 1"));
  EXPECT_THAT(error_of(with(R"("id2label": {"0": "a", "1": "a"})")), HasSubstr("labels 0 and 1 are both 'a'"));
  EXPECT_THAT(error_of(with(R"("id2label": {"0": "a", "00": "b"})")), HasSubstr("label 0 is named twice"));
  EXPECT_THAT(error_of(with(R"("id2label": {"-1": "a"})")), HasSubstr("'-1' is not the number of a label"));
  EXPECT_THAT(error_of(with(R"("id2label": {})")), HasSubstr("names no label"));
  EXPECT_THAT(error_of(with(R"("id2label": {"0": 7})")), HasSubstr("expected a string"));
  EXPECT_THAT(error_of(with(R"("id2label": {"0": "a"}, "num_labels": 4)")),
              HasSubstr("num_labels is 4, but id2label names 1 labels"));
}

TEST(TaskConfigTest, TheKindOfProblemChoosesTheActivation) {
  const auto activation = [](std::string_view rest) {
    return task_of(R"({"architectures": ["BertForSequenceClassification"], )" + std::string(rest) + "}").activation;
  };
  EXPECT_EQ(activation(R"("num_labels": 3)"), ScoreActivation::kSoftmax);
  EXPECT_EQ(activation(R"("num_labels": 1)"), ScoreActivation::kSigmoid);
  EXPECT_EQ(activation(R"("problem_type": "regression")"), ScoreActivation::kNone);
  EXPECT_EQ(activation(R"("problem_type": "multi_label_classification")"), ScoreActivation::kSigmoid);
  EXPECT_EQ(activation(R"("problem_type": "single_label_classification")"), ScoreActivation::kSoftmax);
  EXPECT_THAT(error_of(R"({"architectures": ["AForSequenceClassification"], "problem_type": "guess"})"),
              HasSubstr("problem_type 'guess' is unknown"));
}

TEST(TaskConfigTest, CrossEncodersSayTheirActivation) {
  const auto rank = [](std::string_view rest) {
    return task_of(R"({"architectures": ["BertForSequenceClassification"], )" + std::string(rest) + "}")
        .rank_activation;
  };
  EXPECT_EQ(rank(R"("num_labels": 1)"), std::nullopt);
  EXPECT_EQ(rank(R"("sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"})"),
            ScoreActivation::kNone);
  EXPECT_EQ(rank(R"("sbert_ce_default_activation_function": "torch.nn.modules.activation.Sigmoid")"),
            ScoreActivation::kSigmoid);
  EXPECT_EQ(rank(R"("sentence_transformers": {"activation_fn": "my.own.Squash"})"), std::nullopt);
}

}  // namespace
}  // namespace vivace
