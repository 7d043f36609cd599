#include "engine/generator.h"

#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  streamed.on_text = [&](int, std::string_view piece) { pieces.emplace_back(piece); };
  const auto response = generator->generate(streamed);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  EXPECT_EQ(text, response->texts[0].text);
  EXPECT_FALSE(text.empty());
  EXPECT_GT(response->source_tokens, 3);
}

// The stop string is a part of what would be written, so it begins and ends within tokens.
TEST_F(GeneratorTest, AStopStringEndsTextAndWriting) {
  const auto generator = load();
  const std::string whole = generator->generate(request(60))->texts[0].text;
  ASSERT_GT(whole.size(), 40U);
  const size_t written = generator->generate(request(60))->texts[0].token_ids.size();
  GenerateRequest stopped = request(60);
  stopped.stop = {"no such text", whole.substr(whole.size() / 2, 5)};
  const std::string expected = whole.substr(0, whole.find(stopped.stop[1]));
  std::string streamed;
  for (const bool streams : {false, true}) {
    if (streams) stopped.on_text = [&](int, std::string_view piece) { streamed += piece; };
    const auto response = generator->generate(stopped);
    EXPECT_EQ(response->texts[0].text, expected);
    EXPECT_EQ(response->texts[0].finish_reason, FinishReason::kStop);
    EXPECT_LT(response->texts[0].token_ids.size(), written);
  }
  EXPECT_EQ(streamed, expected);
}

// Each by itself, whatever the others wrote before.
TEST_F(GeneratorTest, AStopStringEndsEachOfSeveralTexts) {
  const auto generator = load();
  GenerateRequest several = request(60);
  several.options.temperature = 1.2;
  several.options.num_return_sequences = 4;
  for (const int beams : {1, 4}) {
    several.options.num_beams = beams;
    if (beams > 1) several.options.temperature = 0;
    several.stop.clear();
    const auto whole = generator->generate(several);
    ASSERT_EQ(whole->texts.size(), 4U);
    const std::string& last = whole->texts[3].text;
    several.stop = {last.substr(last.size() / 3, 3)};
    const auto stopped = generator->generate(several);
    ASSERT_EQ(stopped->texts.size(), 4U);
    size_t ended = 0;
    for (size_t i = 0; i < 4; ++i) {
      const GeneratedText& text = stopped->texts[i];
      EXPECT_EQ(text.text.find(several.stop[0]), std::string::npos);
      ended += text.finish_reason == FinishReason::kStop ? 1U : 0U;
      const std::string& unstopped = whole->texts[i].text;
      if (beams == 1) {
        EXPECT_EQ(text.text, unstopped.substr(0, unstopped.find(several.stop[0])));
      }
    }
    EXPECT_GT(ended, 0U);
  }
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
  cancelled.on_text = [&](int, std::string_view piece) {
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
  slow.on_text = [&, gone](int, std::string_view) {
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
  EXPECT_EQ(refused, 2) << "two wait, two are too many";
  go.set_value();
  generator->drain();
  EXPECT_EQ(answered, 3);
  const auto after = generator->generate(request(2));
  ASSERT_FALSE(after.has_value());
  EXPECT_EQ(after.error().code, StatusCode::kUnavailable);
}

// Requests of every kind that come and go while others are written get what they get alone, to the bit.
TEST_F(GeneratorTest, C002_17_JoiningAndLeavingChangesNoAnswer) {
  const auto generator = load();
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 24; ++i) {
    GenerateRequest made = request(3 + 7 * (i % 9));
    made.text = std::string("for (int i = 0; i < n; ++i) sum += x[i];").substr(static_cast<size_t>(i % 17));
    if (i % 4 == 1) made.options.temperature = 0.9;
    if (i % 4 == 1) made.options.num_return_sequences = 3;
    if (i % 4 == 2) made.options.num_beams = 3;
    if (i % 4 == 3) made.options.speculate = false;
    requests.push_back(made);
  }
  const auto ids_of = [](const Result<GenerateResponse>& response) {
    std::vector<std::vector<int32_t>> ids;
    for (const GeneratedText& text : response->texts) ids.push_back(text.token_ids);
    return ids;
  };
  std::vector<std::vector<std::vector<int32_t>>> alone;
  for (const GenerateRequest& each : requests) alone.push_back(ids_of(generator->generate(each)));

  const uint64_t passes = generator->stats().batches.value();
  std::vector<std::promise<Result<GenerateResponse>>> answers(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    generator->submit(requests[i], [&answers, i](auto result) { answers[i].set_value(std::move(result)); });
  }
  for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(ids_of(answers[i].get_future().get()), alone[i]) << i;
  EXPECT_LT(generator->stats().batches.value() - passes, passes) << "they were not written together";
}

TEST_F(GeneratorTest, ASourceIsReadOnce) {
  const auto generator = load();
  EXPECT_FALSE(generator->generate(request(4))->source_reused);
  const auto again = generator->generate(request(9));
  EXPECT_TRUE(again->source_reused);
  GenerateRequest other = request(4);
  other.text += " ";
  other.text += "x";
  EXPECT_FALSE(generator->generate(other)->source_reused);
}

TEST_F(GeneratorTest, AHintSavesPassesAndChangesNothing) {
  const auto generator = load();
  GenerateRequest plain = request(40);
  plain.options.speculate = false;
  const auto expected = generator->generate(plain);
  GenerateRequest hinted = request(40);
  hinted.hint = expected->texts[0].text;
  const auto response = generator->generate(hinted);
  EXPECT_EQ(response->texts[0].token_ids, expected->texts[0].token_ids);
  EXPECT_LT(response->stats.steps, expected->stats.steps);
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
  wrong.on_text = [](int, std::string_view) {};
  EXPECT_THAT(refusal(wrong), HasSubstr("streamed"));
}

}  // namespace
}  // namespace vivace
