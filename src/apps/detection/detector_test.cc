#include "apps/detection/detector.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/detection/detection_testing.h"

namespace vivace {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::string> sentences(size_t count) {
  std::vector<std::string> made;
  for (size_t i = 0; i < count; ++i) made.push_back("sentence number " + std::to_string(i) + " of many");
  return made;
}

DetectResponse detect(const Detector& detector, std::vector<std::string> texts) {
  DetectRequest request;
  request.sentences = std::move(texts);
  auto response = detector.run(std::move(request));
  EXPECT_TRUE(response) << response.error().message;
  return response ? std::move(*response) : DetectResponse();
}

TEST(Detector, C003_08_SplitsManySentencesIntoGroups) {
  const Detector detector = Detector::make(golden_detector(), {}).value();
  const DetectResponse response = detect(detector, sentences(120));
  EXPECT_EQ(response.groups, 4U);  // 32 + 32 + 32 + 24
  ASSERT_THAT(response.sentences, SizeIs(120));
  for (const SentenceScore& score : response.sentences) EXPECT_THAT(score.probabilities, SizeIs(5));
}

TEST(Detector, C003_10_TokensOfAGroupAreBounded) {
  const std::shared_ptr<Engine> engine = golden_detector();
  const Detector one = Detector::make(engine, {.max_batch_tokens = 1}).value();
  EXPECT_EQ(detect(one, sentences(7)).groups, 7U);  // what is longer than the budget goes alone
  const Detector all = Detector::make(engine, {.max_batch_tokens = 100000, .max_batch_sequences = 1000}).value();
  EXPECT_EQ(detect(all, sentences(7)).groups, 1U);
}

TEST(Detector, C003_07_GroupsDoNotChangeTheAnswer) {
  const std::shared_ptr<Engine> engine = golden_detector();
  const Detector whole = Detector::make(engine, {}).value();
  const Detector single = Detector::make(engine, {.max_batch_sequences = 1}).value();
  const DetectResponse together = detect(whole, sentences(40));
  const DetectResponse alone = detect(single, sentences(40));
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(together.sentences[i].probabilities, alone.sentences[i].probabilities);
}

TEST(Detector, WordsPastTheLimitAreScoredAndCounted) {
  const Detector detector = Detector::make(golden_detector(), {}).value();
  std::string text;
  for (int i = 0; i < 300; ++i) text += "long text ";
  const DetectResponse response = detect(detector, {text, "short"});
  ASSERT_THAT(response.sentences[0].probabilities, SizeIs(600));
  EXPECT_THAT(response.sentences[0].probabilities, Each(::testing::Gt(0.0)));
  EXPECT_GT(response.sentences[0].truncated_words, 400U);
  EXPECT_EQ(response.sentences[1].truncated_words, 0U);
  DetectRequest compatible;
  compatible.sentences = {text};
  compatible.rule = OffsetRule::kCompatible;
  const DetectResponse original = detector.run(compatible).value();
  EXPECT_EQ(original.sentences[0].probabilities.back(), 0.0);
  EXPECT_EQ(original.sentences[0].truncated_words, response.sentences[0].truncated_words);
}

// As many pieces as three windows have: none of them holds the word whole.
TEST(Detector, WordLongerThanAWindowIsCounted) {
  const Detector detector = Detector::make(golden_detector(), {}).value();
  std::string word;
  for (int i = 0; i < 400; ++i) word += static_cast<char>('!' + i * 7 % 15);
  const DetectResponse response = detect(detector, {word, word + " end"});
  EXPECT_EQ(response.sentences[0].truncated_words, 1U);
  EXPECT_EQ(response.sentences[1].truncated_words, 2U);
  ASSERT_THAT(response.sentences[1].probabilities, SizeIs(2));
  EXPECT_THAT(response.sentences[1].probabilities, Each(::testing::Gt(0.0)));
}

TEST(Detector, BlankSentencesHaveNoWords) {
  const Detector detector = Detector::make(golden_detector(), {}).value();
  const DetectResponse response = detect(detector, {"", " \n ", "word"});
  EXPECT_THAT(response.sentences[0].probabilities, SizeIs(0));
  EXPECT_THAT(response.sentences[1].probabilities, SizeIs(0));
  EXPECT_EQ(response.sentences[1].average(), 0.0);
  EXPECT_THAT(response.sentences[2].probabilities, SizeIs(1));
}

TEST(Detector, C003_17_SameSentencesComeFromTheCache) {
  DetectionCache cache(1 << 20);
  const Detector detector = Detector::make(golden_detector(), {.cache = &cache}).value();
  const DetectResponse first = detect(detector, sentences(5));
  EXPECT_EQ(first.cached, 0U);
  const DetectResponse second = detect(detector, sentences(6));
  EXPECT_EQ(second.cached, 5U);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(first.sentences[i].probabilities, second.sentences[i].probabilities);
  DetectRequest compatible;  // another rule is another answer
  compatible.sentences = sentences(5);
  compatible.rule = OffsetRule::kCompatible;
  EXPECT_EQ(detector.run(compatible)->cached, 0U);
  // Another load, perhaps of other weights in the same folder, answers anew.
  const Detector again = Detector::make(golden_detector(), {.cache = &cache}).value();
  EXPECT_EQ(detect(again, sentences(5)).cached, 0U);
}

TEST(Detector, CancelledAndLateRequestsEnd) {
  const Detector detector = Detector::make(golden_detector(), {}).value();
  std::stop_source stop;
  stop.request_stop();
  DetectRequest cancelled;
  cancelled.sentences = sentences(3);
  cancelled.cancel = stop.get_token();
  EXPECT_EQ(detector.run(cancelled).error().code, StatusCode::kCancelled);
  DetectRequest late;
  late.sentences = sentences(3);
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(detector.run(late).error().code, StatusCode::kDeadlineExceeded);
}

TEST(Detector, ManyThreads) {
  const Detector detector = Detector::make(golden_detector(), {}).value();
  const DetectResponse expected = detect(detector, sentences(40));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      const DetectResponse response = detect(detector, sentences(40));
      for (size_t j = 0; j < 40; ++j) {
        EXPECT_EQ(response.sentences[j].probabilities, expected.sentences[j].probabilities);
      }
    });
  }
}

TEST(Detector, OtherModelsAreRefused) {
  const auto refused = Detector::make(golden_engine("tiny-bert"), {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("does not classify tokens"));
  EXPECT_FALSE(Detector::make(golden_engine("heads/bert-tags"), {}));  // which label?
  EXPECT_EQ(Detector::make(golden_detector(), {})->model_version(), "detector-deberta");
}

TEST(ScoreTokens, SequencesAreChecked) {
  const std::shared_ptr<Engine> engine = golden_detector();
  const auto problem = [&](TokenSequence tokens, size_t label) {
    ScoreTokensRequest request;
    request.sequences.push_back(std::move(tokens));
    request.label = label;
    return engine->run(std::move(request)).error().code;
  };
  const TokenSequence good{.ids = {1, 5, 2}, .type_ids = {}, .offsets = {}};
  ScoreTokensRequest request;
  request.sequences.push_back(good);
  EXPECT_THAT(engine->run(request)->scores.front(), SizeIs(3));
  EXPECT_EQ(problem(good, 2), StatusCode::kInvalidArgument);
  EXPECT_EQ(problem({.ids = {}, .type_ids = {}, .offsets = {}}, 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(problem({.ids = {-1}, .type_ids = {}, .offsets = {}}, 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(problem({.ids = {1 << 20}, .type_ids = {}, .offsets = {}}, 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(problem({.ids = std::vector<int32_t>(129, 5), .type_ids = {}, .offsets = {}}, 0),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(engine->run(ScoreTokensRequest()).error().code, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vivace
