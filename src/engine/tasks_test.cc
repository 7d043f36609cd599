// Every kind of request through an engine, on the tiny checkpoints of tests/golden/heads. That the answers are
// transformers' is tested in tests/golden/test_heads.py.
#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "engine/engine.h"

namespace vivace {
namespace {

using testing::HasSubstr;

std::unique_ptr<Engine> load(const std::string& name, EngineOptions options = {}) {
  options.threads = 2;
  auto engine = Engine::load(VIVACE_SOURCE_DIR "/tests/golden/heads/" + name, options);
  if (!engine) ADD_FAILURE() << engine.error().message;
  CHECK(engine.has_value());
  return std::move(*engine);
}

template <typename Request>
std::string error_of(Engine& engine, const Request& request) {
  const auto response = engine.run(request);
  return response ? "no error" : std::string(status_code_name(response.error().code)) + " " + response.error().message;
}

TagRequest tag_request(std::vector<std::string> texts) {
  TagRequest request;
  request.texts = std::move(texts);
  return request;
}

FillMaskRequest fill_request(std::vector<std::string> texts) {
  FillMaskRequest request;
  request.texts = std::move(texts);
  return request;
}

TEST(TasksTest, EveryTaskWarmsUpAndTellsWhatItIsFor) {
  for (const auto& [name, task] : {std::pair("bert-moods", ModelTask::kSequenceClassification),
                                   {"bert-tags", ModelTask::kTokenClassification},
                                   {"bert-fill", ModelTask::kMaskedLanguageModel},
                                   {"st-dense", ModelTask::kEmbedding}}) {
    const auto engine = load(name);
    EXPECT_EQ(engine->info().task, task);
    const auto warm = engine->warm_up();
    EXPECT_TRUE(warm.has_value()) << name << ": " << warm.error().message;
  }
}

TEST(TasksTest, AnAnswerDoesNotDependOnItsBatch) {
  const auto engine = load("bert-moods");
  ClassifyRequest together;
  together.inputs = {{"after", {}}, {"old letters from the fog", "see you"}, {"un det ist", {}}};
  const auto all = engine->run(together);
  ASSERT_TRUE(all) << all.error().message;
  for (size_t i = 0; i < together.inputs.size(); ++i) {
    ClassifyRequest one;
    one.inputs = {together.inputs[i]};
    const auto alone = engine->run(one);
    ASSERT_TRUE(alone);
    for (size_t label = 0; label < 3; ++label) {
      EXPECT_EQ(alone->results[0].labels[label].label, all->results[i].labels[label].label);
      EXPECT_EQ(alone->results[0].labels[label].score, all->results[i].labels[label].score);
    }
  }
}

// One model, two outputs at the same time: batches are of one kind, and everyone gets their own answer.
TEST(TasksTest, VectorsAndMasksDoNotMix) {
  EngineOptions options;
  options.max_batch_tokens = 64;
  const auto engine = load("bert-fill", options);
  EmbedRequest embed;
  embed.texts = {"old letters", "after"};
  const auto vectors = engine->run(embed);
  const FillMaskRequest fill = fill_request({"old [MASK] from the [MASK]", "[MASK]"});
  const auto fills = engine->run(fill);
  ASSERT_TRUE(vectors && fills);
  ASSERT_EQ(fills->results[0].masks.size(), 2U);
  ASSERT_EQ(fills->results[1].masks.size(), 1U);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 30; ++i) {
        if (t % 2 == 0) {
          const auto got = engine->run(embed);
          wrong += got && got->embeddings[1].values == vectors->embeddings[1].values ? 0 : 1;
        } else {
          const auto got = engine->run(fill);
          wrong += got && got->results[0].masks[1][0].id == fills->results[0].masks[1][0].id &&
                           got->results[0].masks[1][0].score == fills->results[0].masks[1][0].score
                       ? 0
                       : 1;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(engine->stats().queued_tokens.value(), 0);
}

TEST(TasksTest, WrongRequestsAreNamed) {
  const auto moods = load("bert-moods");
  EXPECT_THAT(error_of(*moods, tag_request({"a"})),
              HasSubstr("unsupported the model cannot tag words: it is for text-"));
  EXPECT_THAT(error_of(*moods, fill_request({"[MASK]"})), HasSubstr("unsupported the model cannot fill masks"));
  EXPECT_THAT(error_of(*moods, ClassifyRequest{}), HasSubstr("invalid_argument there is no text"));
  ClassifyRequest empty;
  empty.inputs = {{"a", {}}, {"b", ""}};
  EXPECT_EQ(error_of(*moods, empty), "invalid_argument text 1 is empty");
  const auto fill = load("bert-fill");
  EXPECT_THAT(error_of(*fill, fill_request({"a"})), HasSubstr("the text has no [MASK]"));
  FillMaskRequest many = fill_request({"[MASK]"});
  many.top_k = 100'000;
  EXPECT_THAT(error_of(*fill, many), HasSubstr("top_k must be from 1 to 1000"));
  const auto rank = load("bert-rank");
  RankRequest no_query;
  no_query.documents = {"a"};
  EXPECT_EQ(error_of(*rank, no_query), "invalid_argument the query is empty");
  no_query.query = "q";
  no_query.activation = ScoreActivation::kSoftmax;
  EXPECT_THAT(error_of(*rank, no_query), HasSubstr("invalid_argument softmax"));
}

TEST(TasksTest, ZeroShotLimitsItsPairs) {
  const auto engine = load("bert-nli");
  ZeroShotRequest request;
  request.texts.assign(1000, "a");
  for (int i = 0; i < 1000; ++i) request.labels.push_back(std::to_string(i));
  EXPECT_THAT(error_of(*engine, request), HasSubstr("too_large 1000 texts with 1000 labels"));
}

TEST(TasksTest, PoolingOverridesAndDenseLayers) {
  const auto engine = load("st-dense");
  EXPECT_EQ(engine->info().embedding_size, 16);
  EXPECT_EQ(engine->info().pooling, "cls+max+mean+mean_sqrt_len+weighted_mean+last");
  EmbedRequest request;
  request.texts = {"after"};
  request.dimensions = 17;
  EXPECT_THAT(error_of(*engine, request), HasSubstr("the model can give 1 to 16"));
  request.dimensions.reset();
  request.pooling = PoolingMode::kCls;
  EXPECT_THAT(error_of(*engine, request), HasSubstr("dense layer needs its own pooling"));
  request.pooling = PoolingMode::kNone;
  const auto tokens = engine->run(request);
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->embeddings[0].values.size(), 24U * static_cast<size_t>(tokens->embeddings[0].tokens));
}

}  // namespace
}  // namespace vivace
