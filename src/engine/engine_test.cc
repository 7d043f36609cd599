// The engine as its callers see it, on the tiny checkpoint in tests/golden.
#include "engine/engine.h"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <numeric>
#include <regex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "engine/request_queue.h"

namespace vivace {
namespace {

using testing::HasSubstr;

const std::string kTinyBert = VIVACE_SOURCE_DIR "/tests/golden/tiny-bert";

std::unique_ptr<Engine> load(EngineOptions options = {}, const std::string& directory = kTinyBert) {
  if (options.threads == 0) options.threads = 2;
  auto engine = Engine::load(directory, options);
  CHECK(engine.has_value());
  return std::move(*engine);
}

EmbedRequest request_of(std::vector<std::string> texts) {
  EmbedRequest request;
  request.texts = std::move(texts);
  return request;
}

StatusCode code_of(Engine& engine, EmbedRequest request) {
  const auto response = engine.embed(std::move(request));
  return response ? StatusCode::kInternal : response.error().code;
}

TEST(EngineTest, AnswersInTheOrderOfTheTexts) {
  const auto engine = load();
  const std::vector<std::string> texts = {"after", "ist mar won", "fe six un has an su"};
  const auto together = engine->embed(request_of(texts));
  ASSERT_TRUE(together.has_value()) << together.error().message;
  ASSERT_EQ(together->embeddings.size(), 3U);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto alone = engine->embed(request_of({texts[i]}));
    ASSERT_TRUE(alone.has_value());
    EXPECT_EQ(alone->embeddings[0].values, together->embeddings[i].values);
    EXPECT_EQ(together->embeddings[i].values.size(), 72U);
    EXPECT_FALSE(together->embeddings[i].truncated);
  }
}

// The thread that answered the request.
std::thread::id answerer_of(Engine& engine, EmbedRequest request) {
  const auto answered = std::make_shared<std::promise<std::thread::id>>();
  auto thread = answered->get_future();
  engine.submit(std::move(request), [answered](const Result<EmbedResponse>& response) {
    EXPECT_TRUE(response.has_value());
    answered->set_value(std::this_thread::get_id());
  });
  return thread.get();
}

TEST(EngineTest, AShortTextThatComesAloneIsComputedByItsCaller) {
  const auto engine = load();
  const auto expected = engine->embed(request_of({"ist mar won"}));
  bool by_caller = false;
  for (int i = 0; i < 5000 && !by_caller; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    by_caller = answerer_of(*engine, request_of({"after"})) == std::this_thread::get_id();
  }
  EXPECT_TRUE(by_caller);
  EXPECT_EQ(engine->embed(request_of({"ist mar won"}))->embeddings[0].values, expected->embeddings[0].values);
  // Too much to keep a caller's thread with.
  std::string long_text;
  for (int i = 0; i < 100; ++i) long_text += "ist mar won ";
  EXPECT_NE(answerer_of(*engine, request_of(std::vector<std::string>(1000, long_text))), std::this_thread::get_id());
}

TEST(EngineTest, WhatAnAnswerAsksForIsComputedAfterIt) {
  const auto engine = load();
  for (int i = 0; i < 300; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    const auto answered = std::make_shared<std::promise<bool>>();
    auto both = answered->get_future();
    engine->submit(request_of({"after"}), [&engine, answered](const Result<EmbedResponse>& first) {
      engine->submit(request_of({"won"}),
                     [answered, had_first = first.has_value()](const Result<EmbedResponse>& second) {
                       answered->set_value(had_first && second.has_value());
                     });
    });
    ASSERT_TRUE(both.get());
  }
}

TEST(EngineTest, ThreadsGetTheirOwnAnswers) {
  const auto engine = load();
  const std::vector<std::string> texts = {"after", "ist mar won", "old", "ga wa min", "it is so", "was una"};
  std::vector<std::vector<float>> expected;
  for (const auto& text : texts) expected.push_back(engine->embed(request_of({text}))->embeddings[0].values);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 60; ++i) {
        const size_t which = (t + i) % texts.size();
        const auto response = engine->embed(request_of({texts[which], texts[0]}));
        if (!response || response->embeddings[0].values != expected[which] ||
            response->embeddings[1].values != expected[0]) {
          ++wrong;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(engine->stats().requests_succeeded.value(), 8U * 60U + texts.size());
  EXPECT_EQ(engine->stats().queued_texts.value(), 0);
  EXPECT_EQ(engine->stats().queued_tokens.value(), 0);
}

TEST(EngineTest, EqualTextsAreComputedOnceAndAnsweredEach) {
  const auto engine = load();
  const auto alone = engine->embed(request_of({"ist mar won", "after"}));
  const uint64_t tokens = engine->stats().tokens.value();
  auto request = request_of({"after", "ist mar won", "after", "after", "ist mar won"});
  const auto response = engine->embed(request);
  ASSERT_EQ(response->embeddings.size(), 5U);
  EXPECT_EQ(engine->stats().tokens.value(), 2 * tokens);
  EXPECT_EQ(engine->stats().texts.value(), 2U + 5U);
  for (size_t i = 0; i < 5; ++i) {
    const auto& expected = alone->embeddings[i % 3 == 1 ? 0 : 1];
    EXPECT_EQ(response->embeddings[i].values, expected.values) << i;
    EXPECT_EQ(response->embeddings[i].tokens, expected.tokens) << i;
  }
  request.pooling = PoolingMode::kNone;
  const auto each = engine->embed(request);
  EXPECT_EQ(each->embeddings[2].values, each->embeddings[0].values);
  EXPECT_EQ(each->embeddings[4].values, each->embeddings[1].values);
  EXPECT_NE(each->embeddings[1].values.size(), each->embeddings[0].values.size());
}

TEST(EngineTest, DimensionsCutAndNormalizeAgain) {
  const auto engine = load();
  auto request = request_of({"after"});
  request.normalize = true;
  request.dimensions = 10;
  const auto short_one = engine->embed(request);
  ASSERT_TRUE(short_one.has_value());
  const auto& values = short_one->embeddings[0].values;
  ASSERT_EQ(values.size(), 10U);
  EXPECT_NEAR(std::inner_product(values.begin(), values.end(), values.begin(), 0.0), 1.0, 1e-5);
  request.dimensions = 73;
  EXPECT_EQ(code_of(*engine, request), StatusCode::kInvalidArgument);
  request.dimensions = 0;
  EXPECT_EQ(code_of(*engine, request), StatusCode::kInvalidArgument);
}

TEST(EngineTest, PoolingNoneGivesAVectorForEachToken) {
  const auto engine = load();
  auto request = request_of({"ist mar won"});
  request.pooling = PoolingMode::kNone;
  const auto tokens = engine->embed(request);
  ASSERT_TRUE(tokens.has_value());
  const auto& all = tokens->embeddings[0];
  ASSERT_EQ(all.values.size(), 72U * static_cast<size_t>(all.tokens));
  request.pooling = PoolingMode::kCls;
  const auto first = engine->embed(request);
  EXPECT_TRUE(std::equal(first->embeddings[0].values.begin(), first->embeddings[0].values.end(), all.values.begin()));
  // Fewer dimensions keep the beginning of every token's vector.
  request.pooling = PoolingMode::kNone;
  request.dimensions = 5;
  const auto cut = engine->embed(request);
  ASSERT_EQ(cut->embeddings[0].values.size(), 5U * static_cast<size_t>(all.tokens));
  EXPECT_EQ(cut->embeddings[0].values[5 + 2], all.values[72 + 2]);
}

TEST(EngineTest, LongTextsAreTruncatedVisiblyOrRefused) {
  const auto engine = load();
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "after ";
  auto request = request_of({text});
  const auto response = engine->embed(request);
  ASSERT_TRUE(response.has_value());
  EXPECT_TRUE(response->embeddings[0].truncated);
  EXPECT_EQ(response->embeddings[0].tokens, engine->info().max_tokens);
  EXPECT_EQ(engine->stats().truncated_texts.value(), 1U);
  request.too_long = TooLong::kRefuse;
  const auto refused = engine->embed(request);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, StatusCode::kTooLarge);
  EXPECT_THAT(refused.error().message, HasSubstr("tokens; shorten it or allow truncation"));
}

TEST(EngineTest, WrongInputIsNamed) {
  const auto engine = load();
  EXPECT_EQ(code_of(*engine, request_of({})), StatusCode::kInvalidArgument);
  const auto empty = engine->embed(request_of({"after", ""}));
  ASSERT_FALSE(empty.has_value());
  EXPECT_EQ(empty.error().message, "text 1 is empty");
  const auto invalid = engine->embed(request_of({"after", "a\xFFz"}));
  ASSERT_FALSE(invalid.has_value());
  EXPECT_EQ(invalid.error().code, StatusCode::kInvalidArgument);
  EXPECT_THAT(invalid.error().message, HasSubstr("text 1"));
  auto prompted = request_of({"after"});
  prompted.prompt_name = "nonsense";
  const auto unknown = engine->embed(prompted);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().message, HasSubstr("no prompt named 'nonsense'; known: "));
  EXPECT_EQ(engine->stats().requests_rejected.value(), 4U);
}

TEST(EngineTest, DeadlinesAndCancellation) {
  const auto engine = load();
  auto late = request_of({"after"});
  late.deadline = EngineClock::now() - std::chrono::seconds(1);
  EXPECT_EQ(code_of(*engine, late), StatusCode::kDeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  auto cancelled = request_of({"after"});
  cancelled.cancel = stop.get_token();
  EXPECT_EQ(code_of(*engine, cancelled), StatusCode::kCancelled);
  EXPECT_EQ(engine->stats().requests_expired.value(), 1U);
  EXPECT_EQ(engine->stats().requests_cancelled.value(), 1U);
}

// A full queue refuses at once; a request larger than the whole queue is still taken when nothing waits.
TEST(EngineTest, AFullQueueRefuses) {
  EngineOptions options;
  options.max_queued_texts = 4;
  options.max_batch_tokens = 8;
  const auto engine = load(options);
  std::vector<std::future<Result<EmbedResponse>>> answers;
  const auto submit = [&](size_t texts) {
    auto promise = std::make_shared<std::promise<Result<EmbedResponse>>>();
    answers.push_back(promise->get_future());
    engine->submit(request_of(std::vector<std::string>(texts, "after")),
                   [promise](Result<EmbedResponse> result) { promise->set_value(std::move(result)); });
  };
  submit(400);
  for (int i = 0; i < 20; ++i) submit(3);
  EXPECT_TRUE(answers.front().get().has_value());
  int overloaded = 0;
  for (size_t i = 1; i < answers.size(); ++i) {
    const auto answer = answers[i].get();
    if (!answer && answer.error().code == StatusCode::kOverloaded) ++overloaded;
  }
  EXPECT_GT(overloaded, 0);
  EXPECT_EQ(engine->stats().requests_overloaded.value(), static_cast<uint64_t>(overloaded));
}

TEST(EngineTest, DrainAnswersWhatWasAccepted) {
  EngineOptions options;
  options.max_batch_tokens = 8;
  const auto engine = load(options);
  std::atomic<int> answered{0};
  for (int i = 0; i < 50; ++i) {
    engine->submit(request_of({"after", "ist mar won"}), [&](Result<EmbedResponse> result) {
      if (result) ++answered;
    });
  }
  engine->drain();
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(code_of(*engine, request_of({"after"})), StatusCode::kUnavailable);
}

TEST(EngineTest, DestructionAnswersEveryone) {
  EngineOptions options;
  options.max_batch_tokens = 8;
  auto engine = load(options);
  std::atomic<int> answered{0};
  for (int i = 0; i < 50; ++i) {
    engine->submit(request_of({"after", "ist mar won"}), [&](const Result<EmbedResponse>&) { ++answered; });
  }
  engine.reset();
  EXPECT_EQ(answered, 50);
}

TEST(EngineTest, EnginesShareAPool) {
  EngineOptions options;
  options.pool = std::make_shared<ThreadPool>(2);
  const auto one = load(options);
  const auto two = load(options, kTinyBert + "-bf16");
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (Engine* engine : {one.get(), two.get()}) {
    threads.emplace_back([&failed, engine] {
      for (int i = 0; i < 50; ++i) failed += engine->embed(request_of({"after", "old"})).has_value() ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
}

TEST(EngineTest, InfoTellsWhatWasLoaded) {
  const auto engine = load();
  const ModelInfo& info = engine->info();
  EXPECT_EQ(info.architecture, "bert");
  EXPECT_EQ(info.hidden_size, 72);
  EXPECT_EQ(info.layers, 3);
  EXPECT_EQ(info.weights_dtype, "F32");
  EXPECT_EQ(info.threads, 2);
  EXPECT_GT(info.parameters, 100'000U);
  EXPECT_TRUE(engine->warm_up().has_value());
}

// A tokenizer whose template puts texts into a segment that the model lacks.
TEST(EngineTest, SegmentsWithoutEmbeddingAreRefused) {
  namespace fs = std::filesystem;
  const fs::path directory = fs::path(testing::TempDir()) / "vivace_wrong_segment";
  fs::remove_all(directory);
  fs::copy(kTinyBert, directory, fs::copy_options::recursive);
  std::ifstream in(fs::path(kTinyBert) / "tokenizer.json");
  std::string json((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::regex type(R"("type_id"\s*:\s*0)");
  ASSERT_TRUE(std::regex_search(json, type));
  std::ofstream(directory / "tokenizer.json") << std::regex_replace(json, type, "\"type_id\": 7");
  const auto engine = load({}, directory.string());
  const auto response = engine->embed(request_of({"after"}));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().message, "the tokenizer gives tokens the segment 7, the model has 2");
  fs::remove_all(directory);
}

TEST(EngineTest, LoadErrorsNameTheFile) {
  const auto missing = Engine::load("/nonexistent/model", {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, StatusCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/model"));
  EngineOptions options;
  options.isa = "mmx";
  EXPECT_EQ(Engine::load(kTinyBert, options).error().code, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vivace
