#include "engine/generator.h"

#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/text_stream.h"

namespace vivace {
namespace {

using testing::HasSubstr;

class GeneratorTest : public testing::Test {
 protected:
  static std::unique_ptr<Generator> load(int max_queued = 100) {
    EngineOptions options;
    options.threads = 2;
    options.isa = "generic";
    options.max_queued_texts = max_queued;
    auto generator = Generator::load(VIVACE_SOURCE_DIR "/tests/golden/t5-relu", options);
    EXPECT_TRUE(generator.has_value()) << (generator ? "" : generator.error().message);
    return generator ? std::move(*generator) : nullptr;
  }

  static GenerateRequest request(int tokens) {
    GenerateRequest made;
    made.text = "def add(a, b):";
    made.options.max_new_tokens = tokens;
    made.options.min_new_tokens = tokens;
    return made;
  }
};

TEST_F(GeneratorTest, PiecesTogetherAreTheText) {
  const auto generator = load();
  GenerateRequest streamed = request(40);
  streamed.options.min_new_tokens = 0;
  std::vector<std::string> pieces;
  streamed.on_text = [&](std::string_view piece) { pieces.emplace_back(piece); };
  const auto response = generator->generate(streamed);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  EXPECT_EQ(text, response->texts[0].text);
  EXPECT_FALSE(text.empty());
  EXPECT_GT(response->source_tokens, 3);
}

TEST_F(GeneratorTest, DeadlineAndCancelGiveWhatIsWritten) {
  const auto generator = load();
  GenerateRequest late = request(90);
  late.deadline = std::chrono::steady_clock::now();
  auto response = generator->generate(late);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->texts[0].finish_reason, FinishReason::kDeadline);
  EXPECT_TRUE(response->texts[0].token_ids.empty());

  std::stop_source stop;
  GenerateRequest cancelled = request(90);
  cancelled.cancel = stop.get_token();
  std::string seen;
  cancelled.on_text = [&](std::string_view piece) {
    seen += piece;
    if (seen.size() > 8) stop.request_stop();
  };
  response = generator->generate(cancelled);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->texts[0].finish_reason, FinishReason::kCancelled);
  EXPECT_LT(response->texts[0].token_ids.size(), 90U);
  EXPECT_EQ(response->texts[0].text, seen);
}

TEST_F(GeneratorTest, ManyThreadsGetTheAnswersOfOne) {
  const auto generator = load();
  const auto alone = generator->generate(request(20));
  ASSERT_TRUE(alone.has_value());
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (size_t i = 0; i < equal.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) {
        const auto response = generator->generate(request(20));
        equal[i] += response && response->texts[0].token_ids == alone->texts[0].token_ids ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>({5, 5, 5, 5}));
  EXPECT_EQ(generator->stats().requests_succeeded.value(), 21U);
}

TEST_F(GeneratorTest, FullQueueRefusesAndDrainAnswersTheRest) {
  const auto generator = load(2);
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  std::promise<void> running;
  GenerateRequest slow = request(20);
  bool first = true;
  slow.on_text = [&, gone](std::string_view) {
    if (first) running.set_value();
    first = false;
    gone.wait();
  };
  std::atomic<int> answered{0};
  std::atomic<int> refused{0};
  const auto done = [&](const Result<GenerateResponse>& result) {
    ++(result ? answered : refused);
    EXPECT_TRUE(result.has_value() || result.error().code == StatusCode::kOverloaded);
  };
  generator->submit(slow, done);
  running.get_future().wait();
  for (int i = 0; i < 4; ++i) generator->submit(request(2), done);
  EXPECT_EQ(refused, 2);
  go.set_value();
  generator->drain();
  EXPECT_EQ(answered, 3);
  const auto after = generator->generate(request(2));
  ASSERT_FALSE(after.has_value());
  EXPECT_EQ(after.error().code, StatusCode::kUnavailable);
}

TEST_F(GeneratorTest, WrongRequestsAreRefused) {
  const auto generator = load();
  const auto refusal = [&](GenerateRequest wrong) {
    const auto response = generator->generate(std::move(wrong));
    return response ? std::string("accepted") : response.error().message;
  };
  GenerateRequest wrong = request(5);
  wrong.text = "";
  EXPECT_THAT(refusal(wrong), HasSubstr("empty"));
  wrong.text = "\xFF";
  EXPECT_THAT(refusal(wrong), HasSubstr("UTF-8"));
  wrong = request(5);
  wrong.stop = {""};
  EXPECT_THAT(refusal(wrong), HasSubstr("stop string is empty"));
  wrong.stop.assign(17, "x");
  EXPECT_THAT(refusal(wrong), HasSubstr("at most 16"));
  EXPECT_THAT(refusal(request(96)), HasSubstr("max_new_tokens"));
  wrong = request(5);
  wrong.options.num_beams = 2;
  wrong.on_text = [](std::string_view) {};
  EXPECT_THAT(refusal(wrong), HasSubstr("streamed"));
}

TEST(TextStreamTest, HoldsBackWhatMayChange) {
  const std::vector<std::string> stops{"END", "\n\n"};
  EXPECT_EQ(find_stop("a\n\nEND", stops), 1U);
  EXPECT_EQ(find_stop("none", stops), std::string::npos);
  EXPECT_EQ(certain_length("plain", stops), 5U);
  EXPECT_EQ(certain_length("blank \n", stops), 5U);
  EXPECT_EQ(certain_length("the EN", stops), 4U);
  EXPECT_EQ(certain_length("the E", stops), 4U);
  EXPECT_EQ(certain_length("cut \xEF\xBF\xBD", stops), 3U);
  EXPECT_EQ(certain_length("", stops), 0U);
}

}  // namespace
}  // namespace vivace
