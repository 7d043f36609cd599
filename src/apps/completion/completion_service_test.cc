// The service over the tiny T5 with CodeT5's kind of vocabulary: prompts, cache, breaker, fallback, choice of the
// model.
#include "apps/completion/completion_service.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/completion/code_window.h"
#include "apps/completion/completion_json.h"
#include "base/recorded_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;

constexpr char kModel[] = VIVACE_SOURCE_DIR "/tests/golden/t5-code";

std::shared_ptr<Generator> load_generator() {
  EngineOptions options;
  options.threads = 1;
  options.precision = Precision::kF32;  // as the references
  auto loaded = Generator::load(kModel, options);
  EXPECT_TRUE(loaded.has_value()) << (loaded ? "" : loaded.error().message);
  return loaded ? std::move(*loaded) : nullptr;
}

// Models that can be made to fail.
class FakeModels final : public CompletionModels {
 public:
  std::vector<CompletionModel> list() const override { return models; }
  MemoryState memory() const override { return {.budget_bytes = uint64_t{4} << 30}; }
  std::string load_of(std::string_view) const override { return load; }
  Result<std::shared_ptr<CircuitBreaker>> breaker(std::string_view name) const override {
    if (std::ranges::find(models, name, &CompletionModel::name) == models.end()) {
      return error(StatusCode::kNotFound, "no such model");
    }
    return the_breaker;
  }
  Result<std::shared_ptr<Generator>> find(std::string_view name) const override {
    if (failure) return std::unexpected(*failure);
    for (const CompletionModel& model : models) {
      if (model.name == name) return generator;
    }
    return error(StatusCode::kNotFound, "no such model");
  }
  std::vector<CompletionModel> models = {{.name = "only", .bytes = 1, .is_loaded = true}};
  std::shared_ptr<Generator> generator = load_generator();
  std::shared_ptr<CircuitBreaker> the_breaker = std::make_shared<CircuitBreaker>("the model 'only'");
  std::optional<Status> failure;
  std::string load = "first";
};

class CompletionServiceTest : public testing::Test {
 protected:
  Result<Completion> complete(CompletionRequest request) {
    std::promise<Result<Completion>> promise;
    auto future = promise.get_future();
    m_service.complete(std::move(request), [&](Result<Completion> done) { promise.set_value(std::move(done)); });
    return future.get();
  }

  BreakerSnapshot breaker() const { return m_models.the_breaker->snapshot(CircuitBreaker::Clock::now()); }

  static CompletionRequest request(std::string code, int tokens = 12) {
    CompletionRequest made;
    made.code = std::move(code);
    made.generate.options.max_new_tokens = tokens;
    made.generate.options.min_new_tokens = tokens;
    return made;
  }

  FakeModels m_models;
  CompletionService m_service{m_models, {.deadline = std::chrono::milliseconds(0)}};
};

TEST_F(CompletionServiceTest, TheModelsOwnBreakerIsTold) {
  CompletionRequest asked = request("x = ");
  asked.model = "invented";
  EXPECT_EQ(complete(asked).error().code, StatusCode::kNotFound);
  EXPECT_EQ(breaker().window_calls, 0U);
  asked.model = "only";
  EXPECT_TRUE(complete(asked));
  EXPECT_EQ(breaker().window_calls, 1U);
}

TEST_F(CompletionServiceTest, PromptsAreWhatTheModelReads) {
  for (const char* name : {"NONE", "TASK_PREFIX", "INSTRUCTION", "FEW_SHOT", "LANGUAGE_AWARE"}) {
    CompletionRequest asked = request("def add(a, b):");
    asked.strategy = *parse_prompt_strategy(name);
    const auto completion = complete(asked);
    ASSERT_TRUE(completion.has_value()) << completion.error().message;
    GenerateRequest plain = asked.generate;
    plain.text = make_prompt(asked.code, asked.strategy);
    const auto expected = m_models.generator->generate(plain);
    EXPECT_EQ(completion->written.texts[0].token_ids, expected->texts[0].token_ids) << name;
    EXPECT_EQ(completion->language, "Python");
    EXPECT_EQ(completion->origin, CompletionOrigin::kModel);
    EXPECT_THAT(completion->reason, HasSubstr("complexity"));
  }
}

TEST_F(CompletionServiceTest, C002_14_TheSameAgainAndAKeystrokeLaterComeFromTheCache) {
  const std::string code = "for (int i = 0; i < n; ++i) ";
  const auto first = complete(request(code));
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const std::string text = first->written.texts[0].text;
  ASSERT_GT(text.size(), 3U);
  const auto again = complete(request(code));
  EXPECT_EQ(again->origin, CompletionOrigin::kCache);
  EXPECT_EQ(again->written.texts[0].token_ids, first->written.texts[0].token_ids);
  EXPECT_EQ(again->written.source_tokens, first->written.source_tokens);

  size_t typed = 1;
  while ((static_cast<unsigned char>(text[typed]) & 0xC0U) == 0x80) ++typed;
  std::string streamed;
  CompletionRequest later = request(code + text.substr(0, typed));
  later.generate.on_text = [&](int, std::string_view piece) { streamed += piece; };
  const auto rest = complete(later);
  EXPECT_EQ(rest->origin, CompletionOrigin::kCachePrefix);
  EXPECT_EQ(rest->written.texts[0].text, text.substr(typed));
  EXPECT_GT(rest->written.texts[0].token_ids.size(), 0U);
  EXPECT_LE(rest->written.texts[0].token_ids.size(), text.size() - typed);
  EXPECT_EQ(streamed, text.substr(typed));
  EXPECT_EQ(complete(request(code, 13))->origin, CompletionOrigin::kModel) << "other options, another answer";
  CompletionRequest sampled = request(code);
  sampled.generate.options.temperature = 0.5;
  EXPECT_EQ(complete(sampled)->origin, CompletionOrigin::kModel);
  EXPECT_EQ(complete(sampled)->origin, CompletionOrigin::kModel);
}

TEST_F(CompletionServiceTest, C002_14_AnotherLoadOfTheModelAnswersAnew) {
  const CompletionRequest same = request("def add(a, b):");
  EXPECT_EQ(complete(same)->origin, CompletionOrigin::kModel);
  EXPECT_EQ(complete(same)->origin, CompletionOrigin::kCache);
  m_models.load = "second";
  EXPECT_EQ(complete(same)->origin, CompletionOrigin::kModel);
  EXPECT_EQ(complete(same)->origin, CompletionOrigin::kCache);
}

TEST_F(CompletionServiceTest, C002_19_AnEarlierAnswerSavesPassesAndChangesNothing) {
  const auto compare = [&](const std::string& code, int tokens) {
    const CompletionRequest later = request(code, tokens);
    GenerateRequest plain = later.generate;
    plain.text = make_prompt(later.code, later.strategy);
    const auto expected = m_models.generator->generate(plain);
    const auto completion = complete(later);
    EXPECT_EQ(completion->origin, CompletionOrigin::kModel);
    EXPECT_EQ(completion->written.texts[0].token_ids, expected->texts[0].token_ids) << code;
    return expected->stats.steps - completion->written.stats.steps;
  };
  const std::string code = "def add(a, b):";  // the tiny model does not repeat itself here: only a hint can help
  ASSERT_TRUE(complete(request(code, 40)).has_value());
  EXPECT_GT(compare(code, 41), 0) << "the same code, asked for one token more";
  for (const std::string& other : {code, std::string("public class A {"), std::string("x = [1, 2")}) {
    ASSERT_TRUE(complete(request(other, 40)).has_value());
    for (const char* typed : {"~", " #", "\n\n"}) compare(other + typed, 40);
  }
}

TEST_F(CompletionServiceTest, C002_13_AFailingModelIsLeftAloneAndEarlierAnswersServe) {
  ASSERT_TRUE(complete(request("x = ", 5)).has_value());
  m_models.failure = Status{StatusCode::kInternal, "the model broke"};
  for (int i = 0; i < 8; ++i) {
    const auto unknown = complete(request("never asked before " + std::to_string(i)));
    ASSERT_FALSE(unknown.has_value());
  }
  const auto refused = complete(request("never asked before"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("try again in"));
  EXPECT_EQ(breaker().state, BreakerState::kOpen);

  m_models.failure.reset();
  const auto cached = complete(request("x = ", 9));  // not the very request that was answered, but the same code
  ASSERT_TRUE(cached.has_value());
  EXPECT_EQ(cached->origin, CompletionOrigin::kFallback);
  EXPECT_THAT(cached->degraded, HasSubstr("left alone"));
  EXPECT_EQ(m_service.fallbacks(), 1U);
}

TEST_F(CompletionServiceTest, C002_14_AnEarlierAnswerIsCutToWhatIsAskedFor) {
  const auto whole = complete(request("x = ", 12));
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  const std::string text = whole->written.texts[0].text;
  CompletionRequest shorter = request("x = ", 3);
  GenerateRequest plain = shorter.generate;
  plain.text = make_prompt(shorter.code, shorter.strategy);
  const GeneratedText expected = m_models.generator->generate(plain)->texts[0];
  m_models.failure = Status{StatusCode::kUnavailable, "away"};
  const auto cut = complete(shorter);
  ASSERT_TRUE(cut.has_value()) << cut.error().message;
  EXPECT_EQ(cut->origin, CompletionOrigin::kFallback);
  EXPECT_EQ(cut->written.texts[0].text, expected.text);
  EXPECT_EQ(cut->written.texts[0].token_ids, expected.token_ids);
  EXPECT_EQ(cut->written.texts[0].finish_reason, FinishReason::kLength);

  CompletionRequest stopped = request("x = ", 12);
  stopped.generate.stop = {text.substr(4, 3)};
  const std::string before = text.substr(0, text.find(stopped.generate.stop[0]));
  const auto stop = complete(stopped);
  ASSERT_TRUE(stop.has_value()) << stop.error().message;
  EXPECT_EQ(stop->written.texts[0].text, before);
  EXPECT_EQ(stop->written.texts[0].finish_reason, FinishReason::kStop);
  EXPECT_LT(stop->written.texts[0].token_ids.size(), 12U);

  CompletionRequest later = request("x = " + text.substr(0, 2), 1);
  later.strategy = PromptStrategy::kNone;
  EXPECT_LE(complete(later)->written.texts[0].text.size(), expected.text.size()) << "of the rest, too";
}

TEST_F(CompletionServiceTest, C002_14_AnEarlierAnswerIsOneForTheSameGapModelAndStopStrings) {
  m_models.models.push_back({.name = "other", .bytes = 1, .is_loaded = true});
  CompletionRequest named = request("x = ");
  named.model = "only";
  named.generate.stop = {"="};
  ASSERT_TRUE(complete(named).has_value());
  m_models.failure = Status{StatusCode::kUnavailable, "away"};
  named.strategy = PromptStrategy::kNone;
  EXPECT_EQ(complete(named)->origin, CompletionOrigin::kFallback);
  CompletionRequest gap = named;
  gap.suffix = " + 1";
  EXPECT_FALSE(complete(gap).has_value()) << "written for another gap";
  CompletionRequest other = named;
  other.model = "other";
  EXPECT_FALSE(complete(other).has_value()) << "another model wrote it";
  CompletionRequest endless = named;
  endless.generate.stop.clear();
  EXPECT_FALSE(complete(endless).has_value()) << "it may have been ended too soon";
}

TEST_F(CompletionServiceTest, WrongRequestsDoNotOpenTheBreaker) {
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(complete(request("x", 0)).has_value());
    CompletionRequest unknown = request("x");
    unknown.model = "missing";
    EXPECT_EQ(complete(unknown).error().code, StatusCode::kNotFound);
    EXPECT_EQ(complete(request("")).error().code, StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(complete(request("x")).has_value());
}

TEST_F(CompletionServiceTest, C002_09_TheComplexityChoosesTheModel) {
  m_models.models = {{.name = "small", .bytes = 1, .is_loaded = true},
                     {.name = "large", .bytes = 2, .is_loaded = true}};
  share_complexities(&m_models.models);
  EXPECT_EQ(complete(request("x = 1"))->model, "small");
  std::string hard;
  for (int i = 0; i < 40; ++i) hard += "async def f" + std::to_string(i) + "(a): await promise\nclass C(" + "((((((\n";
  const auto completion = complete(request(hard));
  EXPECT_EQ(completion->model, "large");
  EXPECT_GE(completion->complexity, 0.7);
  CompletionRequest named = request("x = 1");
  named.model = "large";
  EXPECT_EQ(complete(named)->model, "large");
  EXPECT_EQ(complete(named)->reason, "asked for by name");
}

TEST_F(CompletionServiceTest, C002_07_AGuessedLanguageLeavesNoCommentIn) {
  // A recorded case; "class " makes it look like Java.
  const auto completion = complete(request("a = f(1) # if while for ((((( class Foo\nresult = 2\n"));
  EXPECT_EQ(completion->language, "Java");
  EXPECT_EQ(completion->complexity, 0);
}

TEST_F(CompletionServiceTest, C002_14_WrongOptionsAreWrongForKeptAnswersToo) {
  ASSERT_TRUE(complete(request("x = 1")).has_value());
  CompletionRequest wrong = request("x = 1");
  wrong.generate.options.top_p = 7;
  EXPECT_EQ(complete(wrong).error().code, StatusCode::kInvalidArgument);
  CompletionRequest endless = request("x = 1");
  endless.generate.stop = {""};
  EXPECT_EQ(complete(endless).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(complete(request("x = 1"))->origin, CompletionOrigin::kCache);
}

TEST_F(CompletionServiceTest, C002_14_SuffixAndStopStringsAreKeptApart) {
  CompletionRequest first = request("x = ");
  first.suffix = "a\n2 b";
  ASSERT_TRUE(complete(first).has_value());
  CompletionRequest second = request("x = ");
  second.suffix = "a";
  second.generate.stop = {"b\n"};
  EXPECT_EQ(complete(second)->origin, CompletionOrigin::kModel);
  EXPECT_EQ(complete(first)->origin, CompletionOrigin::kCache);
}

TEST_F(CompletionServiceTest, OfLongCodeTheEndIsRead) {
  std::string code;
  for (int i = 0; i < 60'000; ++i) code += "value = value + " + std::to_string(i) + "\n";
  CompletionRequest asked = request(code);
  const auto completion = complete(asked);
  ASSERT_TRUE(completion.has_value()) << completion.error().message;
  EXPECT_TRUE(completion->code_cut);
  EXPECT_TRUE(complete(asked)->code_cut) << "a kept answer says so too";
  EXPECT_FALSE(completion->written.truncated);
  EXPECT_GT(completion->written.source_tokens, 500);
  const auto end = end_within(code, 100, m_models.generator->tokenizer());
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(code.ends_with(*end));
  EXPECT_GT(end->size(), 100U);
  TokenSequence tokens;
  ASSERT_TRUE(m_models.generator->tokenizer().encode(*end, {.special_tokens = SpecialTokens::kOmit}, &tokens));
  EXPECT_LE(tokens.ids.size(), 101U);
  asked.generate.too_long = TooLong::kRefuse;
  asked.code += "other";  // what was written for the code before must not answer
  const auto refused = complete(asked);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, StatusCode::kTooLarge);
}

TEST_F(CompletionServiceTest, GapsAreFilledAsTransformersDoes) {
  int compared = 0;
  for (const JsonDocument& document : read_recorded("tests/golden/t5-code/gaps.jsonl")) {
    const JsonValue row = document.root();
    CompletionRequest asked = request(std::string(*row.get("code")->as_string()), 24);
    asked.suffix = *row.get("suffix")->as_string();
    asked.strategy = PromptStrategy::kNone;
    asked.generate.options.min_new_tokens = 0;
    const auto completion = complete(asked);
    ASSERT_TRUE(completion.has_value()) << completion.error().message;
    std::vector<int32_t> expected;
    const std::vector<JsonValue> ids = *row.get("token_ids")->as_array();
    for (const JsonValue& id : ids) {
      expected.push_back(static_cast<int32_t>(*id.as_integer(0, 1 << 20)));
      if (expected.back() == m_models.generator->tokenizer().token_id("<extra_id_1>")) break;
    }
    EXPECT_EQ(completion->written.texts[0].token_ids, expected);
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

}  // namespace
}  // namespace vivace
