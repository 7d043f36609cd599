// Numbers in names (C000_23) are those of docs/coverage.md.
#include "apps/impact/impact_scorer.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/impact/impact_testing.h"

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Scores the recorded messages, each sequence by a fresh scorer, and compares the score and all factors.
void expect_recorded(const std::string& name, const std::function<std::unique_ptr<ImpactScorer>()>& make,
                     double tolerance, size_t rows) {
  std::unique_ptr<ImpactScorer> scorer;
  int64_t sequence = -1;
  const std::vector<std::string> lines = recorded_lines(name);
  ASSERT_EQ(lines.size(), rows);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto document = JsonDocument::parse(lines[i], name);
    ASSERT_TRUE(document);
    const int64_t row_sequence = *document->root().get("sequence")->as_integer(0, 1'000'000);
    if (row_sequence != sequence) scorer = make();
    sequence = row_sequence;
    const ImpactAnalysis analysis = score_of(*scorer, lines[i]);
    EXPECT_NEAR(analysis.score, *document->root().get("score")->as_double(), tolerance) << lines[i];
    const auto factors = document->root().get("factors");
    for (const FactorValue& factor : named_factors(analysis.factors)) {
      EXPECT_NEAR(factor.value, *factors->get(factor.name)->as_double(), tolerance) << factor.name << ": " << lines[i];
    }
  }
}

SemanticBackend letter_backend(SemanticGates gates = {}) {
  return {.name = "letters", .embed = letter_counts, .gates = gates};
}

std::unique_ptr<ImpactScorer> scorer_with(std::vector<SemanticBackend> chain, ScoringConfig config = {}) {
  return *ImpactScorer::make(std::move(config), std::move(chain));
}

TEST(ImpactScorer, C000_02_RecordedKeywordScores) {
  expect_recorded("keywords.jsonl", [] { return keyword_scorer(); }, 1e-6, 600);
}

TEST(ImpactScorer, C000_01_RecordedScoresWithRealModel) {
  const char* named = std::getenv("VIVACE_MODEL");
  const std::string directory = named != nullptr ? named : std::string(VIVACE_SOURCE_DIR) + "/models/all-MiniLM-L6-v2";
  if (!std::filesystem::exists(directory + "/model.safetensors")) GTEST_SKIP() << directory << " is not there";
  EngineOptions options;
  options.precision = Precision::kF32;  // as the reference
  auto loaded = Engine::load(directory, options);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::shared_ptr<Engine> engine = std::move(*loaded);
  const auto make = [&] { return scorer_with({{.name = "cpu", .embed = embed_with(engine), .gates = {}}}); };
  expect_recorded("minilm_cls.jsonl", make, 1e-4, 200);
}

TEST(ImpactScorer, GoldenValuesOfFreshScorers) {
  const std::vector<std::pair<const char*, double>> golden = {
      {R"({"content":"lunch is on tuesday"})", 0.15},
      {R"({"content":""})", 0.12},
      {R"({"content":"a security question"})", 0.27},
      {R"({"content":"a security audit"})", 0.27},
      {R"({"content":"security breach and attack"})", 0.8},
      {R"({"content":"lunch","priority":"critical"})", 0.9},
      {R"({"content":"lunch","tools":["execute_command"]})", 0.31},
      {R"({"content":"a payment","tools":[{"name":"transfer_funds"}]})", 0.43},
      {R"({"content":"a payment","message_type":"governance_request"})", 0.33},
      {R"({"content":"lunch","priority":"high"})", 0.17},
      {R"({"content":"lunch","tools":["read_file"]})", 0.17},
      {R"({})", 0.1},
  };
  for (const auto& [json, score] : golden) EXPECT_NEAR(score_of(*keyword_scorer(), json).score, score, 1e-9) << json;
}

TEST(ImpactScorer, FullAnalysisSaysWhy) {
  const auto scorer = keyword_scorer();
  const ImpactAnalysis analysis = score_of(
      *scorer,
      R"({"content":"Security BREACH, attack","tools":["send_mail"],"payload":{"amount":5000},"from_agent":"a"})");
  EXPECT_THAT(analysis.matched_keywords, ElementsAre("security", "breach", "attack"));
  EXPECT_EQ(analysis.backend, "keywords");
  EXPECT_FALSE(analysis.degraded);
  EXPECT_TRUE(analysis.requires_deliberation);
  EXPECT_EQ(analysis.recommendation, "hold for deliberation");
  std::set<std::string> explained;
  for (const Explanation& explanation : analysis.explanations) {
    EXPECT_FALSE(explanation.why.empty());
    explained.insert(explanation.of);
  }
  for (const FactorValue& factor : named_factors(analysis.factors)) EXPECT_TRUE(explained.contains(factor.name));
  EXPECT_TRUE(explained.contains("score"));
}

TEST(ImpactScorer, C001_17_ConstitutionalHashOnEveryBackend) {
  for (const bool with_model : {false, true}) {
    const auto scorer = with_model ? scorer_with({letter_backend()}) : keyword_scorer();
    const auto refused = scorer->score(request_of(R"({"content":"x","constitutional_hash":"0000"})"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, StatusCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("'0000', expected 'cdd01ef066bc6cf2'"));
    EXPECT_EQ(scorer->status().agents, 0U) << "a refused message leaves no trace";
    EXPECT_TRUE(scorer->score(request_of(R"({"content":"x","constitutional_hash":"cdd01ef066bc6cf2"})")));
    EXPECT_EQ(scorer->status().refused_hashes, 1U);
  }
  ScoringConfig config;
  config.constitutional_hash.clear();
  EXPECT_TRUE(keyword_scorer(config)->score(request_of(R"({"content":"x","constitutional_hash":"0000"})")));
}

TEST(ImpactScorer, C000_07_BatchEqualsSingle) {
  std::vector<ScoreRequest> requests;
  for (const std::string& line : recorded_lines("keywords.jsonl")) requests.push_back(request_of(line));
  ASSERT_EQ(requests.size(), 600U);
  const auto single = scorer_with({letter_backend({.without_keywords = 0.7, .with_keywords = 0.6})});
  const auto batch = scorer_with({letter_backend({.without_keywords = 0.7, .with_keywords = 0.6})});
  const auto analyses = batch->score_batch(requests);
  ASSERT_TRUE(analyses);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = single->score(requests[i]);
    EXPECT_NEAR(alone->score, (*analyses)[i].score, 1e-6) << i;
    EXPECT_EQ(alone->passed_gate, (*analyses)[i].passed_gate) << i;
  }
  EXPECT_EQ(batch->status().backends[0].calls, 1U) << "one call of the backend for the whole batch";
}

TEST(ImpactScorer, MessagesWithoutTextAreNotTheModelsWhateverStandsBesideThem) {
  const auto broken = [](const std::vector<std::string>&, const RequestLimits&) -> Result<std::vector<EmbeddedText>> {
    return error(StatusCode::kUnavailable, "gone");
  };
  const std::vector<ScoreRequest> requests = {
      request_of(R"({"content":"hello"})"), request_of(R"({"content":" "})"),
      request_of(R"({"message":{"content":"hello"},"context":{"semantic_override":0.5}})")};
  for (const bool answers : {true, false}) {
    const auto scorer = scorer_with({answers ? letter_backend() : SemanticBackend{"broken", broken, {}}});
    const auto analyses = scorer->score_batch(requests);
    ASSERT_TRUE(analyses);
    EXPECT_EQ((*analyses)[0].backend, answers ? "letters" : "keywords");
    EXPECT_EQ((*analyses)[0].degraded, !answers);
    for (size_t i = 1; i < requests.size(); ++i) {
      const auto alone = scorer->score(requests[i]);
      EXPECT_EQ((*analyses)[i].backend, alone->backend) << i;
      EXPECT_EQ((*analyses)[i].degraded, alone->degraded) << i;
      EXPECT_FALSE((*analyses)[i].degraded) << i;
    }
  }
}

TEST(ImpactScorer, BatchLimits) {
  const auto scorer = keyword_scorer();
  EXPECT_TRUE(scorer->score_batch({})->empty());
  const std::vector<ScoreRequest> most(ImpactScorer::kMaxBatch, request_of(R"({"content":"x"})"));
  EXPECT_EQ(scorer->score_batch(most)->size(), most.size());
  std::vector<ScoreRequest> more = most;
  more.push_back(most[0]);
  EXPECT_EQ(scorer->score_batch(more).error().code, StatusCode::kTooLarge);
}

TEST(ImpactScorer, StatelessFactorsDoNotDependOnTheOrder) {
  std::vector<ScoreRequest> requests;
  for (const std::string& line : recorded_lines("keywords.jsonl")) requests.push_back(request_of(line));
  const auto forward = keyword_scorer()->score_batch(requests);
  std::vector<ScoreRequest> turned(requests.rbegin(), requests.rend());
  const auto backward = keyword_scorer()->score_batch(turned);
  for (size_t i = 0; i < requests.size(); ++i) {
    const Factors& a = (*forward)[i].factors;
    const Factors& b = (*backward)[requests.size() - 1 - i].factors;
    EXPECT_EQ(a.semantic, b.semantic);
    EXPECT_EQ(a.permission, b.permission);
    EXPECT_EQ(a.context, b.context);
    EXPECT_EQ(a.priority, b.priority);
    EXPECT_EQ(a.type, b.type);
  }
}

TEST(ImpactScorer, ScoreRisesWithTheNumberOfKeywords) {
  const ScoringConfig config;
  std::string text = "note";
  double last = 0;
  for (const std::string& keyword : config.keywords) {
    const double score = score_of(*keyword_scorer(), R"({"content":")" + text + R"("})").score;
    EXPECT_GE(score, last) << text;
    last = score;
    text += " " + keyword;
  }
  EXPECT_EQ(last, 0.8);
}

TEST(ImpactScorer, OddMessagesNeverFailAndStayInRange) {
  const std::vector<std::string> odd = {"null",
                                        "true",
                                        "-1",
                                        "3.5",
                                        "1e300",
                                        "[]",
                                        "{}",
                                        R"([{"a":[1]}])",
                                        R"("")",
                                        R"("\u0000")",
                                        R"("﷽ 🜁 İ ẞ")",
                                        R"("HIGH")",
                                        R"({"text":null})",
                                        R"({"text":{"b":1}})",
                                        R"({"message":7,"amount":"lots"})",
                                        R"({"amount":1e308})",
                                        R"({"amount":-5})"};
  const auto scorer = scorer_with({letter_backend({.without_keywords = 0, .with_keywords = 0})});
  for (const char* field :
       {"content", "payload", "priority", "message_type", "from_agent", "constitutional_hash_", "x"}) {
    for (const std::string& value : odd) {
      const ImpactAnalysis analysis = score_of(*scorer, "{\"" + std::string(field) + "\":" + value + ",\"tools\":[]}");
      EXPECT_GE(analysis.score, 0) << field << value;
      EXPECT_LE(analysis.score, 1) << field << value;
      for (const FactorValue& factor : named_factors(analysis.factors)) {
        EXPECT_TRUE(factor.value >= 0 && factor.value <= 1) << factor.name << field << value;
      }
    }
  }
}

TEST(ImpactScorer, GateDecidesHowMuchACosineCounts) {
  // "kcsr" has a letter each of "risk" and "c": its cosine with "risk" is 3/4.
  const auto analysis_at = [](double gate) {
    const auto scorer = scorer_with({letter_backend({.without_keywords = gate, .with_keywords = gate})});
    return score_of(*scorer, R"({"content":"kcsr"})");
  };
  const ImpactAnalysis open = analysis_at(0.1);
  ASSERT_TRUE(open.similarity);
  const double raw = *open.similarity;
  EXPECT_GE(raw, 0.75 - 1e-9);
  EXPECT_TRUE(open.passed_gate);
  EXPECT_NEAR(open.factors.semantic, raw, 1e-12);
  const ImpactAnalysis shut = analysis_at(1);
  EXPECT_FALSE(shut.passed_gate);
  EXPECT_NEAR(shut.factors.semantic, 0.3 * raw, 1e-12);
}

TEST(ImpactScorer, WhichGateHoldsDependsOnTheKeywords) {
  const auto scorer = scorer_with({letter_backend({.without_keywords = 1, .with_keywords = 0.1})});
  EXPECT_FALSE(score_of(*scorer, R"({"content":"kcsr"})").passed_gate);
  EXPECT_TRUE(score_of(*scorer, R"({"content":"risk note"})").passed_gate);
}

TEST(ImpactScorer, VectorsWithoutDirectionAreSkipped) {
  const auto scorer = scorer_with({letter_backend({.without_keywords = 0, .with_keywords = 0})});
  const ImpactAnalysis analysis = score_of(*scorer, R"({"content":"zero"})");
  EXPECT_FALSE(analysis.similarity);
  EXPECT_EQ(analysis.factors.semantic, 0.1);
  EXPECT_EQ(cosine_similarity(std::vector<float>{0, 0}, std::vector<float>{1, 2}), 0);
  EXPECT_EQ(cosine_similarity(std::vector<float>{}, std::vector<float>{}), 0);
}

TEST(ImpactScorer, C000_29_ChainFallsBackStepByStep) {
  const auto broken = [](const std::vector<std::string>&, const RequestLimits&) -> Result<std::vector<EmbeddedText>> {
    return error(StatusCode::kUnavailable, "the device is gone");
  };
  const auto chain = scorer_with({{.name = "cuda", .embed = broken, .gates = {}}, letter_backend()});
  ImpactAnalysis analysis = score_of(*chain, R"({"content":"hello"})");
  EXPECT_EQ(analysis.backend, "letters");
  EXPECT_TRUE(analysis.degraded);
  const ScorerStatus status = chain->status();
  ASSERT_EQ(status.backends.size(), 3U);
  EXPECT_EQ(status.backends[0].failures, 1U);
  EXPECT_EQ(status.backends[0].last_error, "the device is gone");
  EXPECT_EQ(status.backends[1].calls, 1U);

  const auto keywords_left = scorer_with({{.name = "cuda", .embed = broken, .gates = {}}});
  analysis = score_of(*keywords_left, R"({"content":"hello"})");
  EXPECT_EQ(analysis.backend, "keywords");
  EXPECT_TRUE(analysis.degraded);
  EXPECT_NEAR(analysis.score, 0.15, 1e-9);
}

TEST(ImpactScorer, ABackendThatLosesTextsIsNotBelieved) {
  const auto short_answer = [](const std::vector<std::string>&,
                               const RequestLimits&) -> Result<std::vector<EmbeddedText>> {
    return std::vector<EmbeddedText>();
  };
  const auto scorer = scorer_with({{.name = "odd", .embed = short_answer, .gates = {}}});
  EXPECT_TRUE(score_of(*scorer, R"({"content":"hello"})").degraded);
}

TEST(ImpactScorer, C000_22_ModelIsUsedOnlyWhenAskedFor) {
  const auto scorer = scorer_with({letter_backend()});
  const auto request = request_of(R"({"content":"hello"})");
  EXPECT_EQ(scorer->score(request, UseModel::kNo)->backend, "keywords");
  EXPECT_FALSE(scorer->score(request, UseModel::kNo)->degraded);
  EXPECT_EQ(scorer->score(request)->backend, "letters");
}

TEST(ImpactScorer, C000_08_KeywordVectorsAreComputedOnce) {
  std::atomic<int> keyword_calls = 0;
  const auto counting = [&](const std::vector<std::string>& texts, const RequestLimits& limits) {
    if (texts.size() == ScoringConfig().keywords.size()) ++keyword_calls;
    return letter_counts(texts, limits);
  };
  const auto scorer = scorer_with({{.name = "counting", .embed = counting, .gates = {}}});
  EXPECT_EQ(keyword_calls, 0) << "nothing is computed before the first message";
  for (int i = 0; i < 5; ++i) score_of(*scorer, R"({"content":"hello"})");
  EXPECT_EQ(keyword_calls, 1);
}

TEST(ImpactScorer, C000_28_ManyThreads) {
  ScoringConfig config;
  config.max_agents = 3;
  const auto scorer = scorer_with({letter_backend()}, config);
  std::vector<std::jthread> threads;
  std::atomic<int> scored = 0;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i) {
        const auto request =
            request_of(R"({"content":"security note","from_agent":"a)" + std::to_string((thread + i) % 5) + "\"}");
        const auto analysis = scorer->score(request);
        if (analysis && analysis->score >= 0.2 && analysis->score <= 1) ++scored;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(scored, 1600);
  EXPECT_EQ(scorer->status().agents, 3U);
}

TEST(ImpactScorer, ContextWinsOverTheMessage) {
  const ImpactAnalysis analysis =
      score_of(*keyword_scorer(),
               R"({"message":{"content":"x","priority":"low","message_type":"event","tools":["read"]},
          "context":{"priority":"critical","message_type":"command","tools":["delete_all"],"semantic_override":0.25}})");
  EXPECT_EQ(analysis.factors.priority, 1);
  EXPECT_EQ(analysis.factors.type, 0.4);
  EXPECT_EQ(analysis.factors.permission, 0.9);
  EXPECT_EQ(analysis.factors.semantic, 0.25);
}

TEST(ImpactScorer, WrongConfigurationIsRefusedByName) {
  const auto message_of = [](const std::function<void(ScoringConfig*)>& change) {
    ScoringConfig config;
    change(&config);
    const auto scorer = ImpactScorer::make(config);
    return scorer ? std::string() : scorer.error().message;
  };
  EXPECT_EQ(message_of([](ScoringConfig*) {}), "");
  EXPECT_THAT(message_of([](ScoringConfig* c) { c->weights.semantic = 0.5; }), HasSubstr("sum of the weights"));
  EXPECT_THAT(message_of([](ScoringConfig* c) { c->weights.drift = std::nan(""); }), HasSubstr("weights.drift"));
  EXPECT_THAT(message_of([](ScoringConfig* c) { c->keywords.emplace_back(); }), HasSubstr("keyword is empty"));
  EXPECT_THAT(message_of([](ScoringConfig* c) { c->volume_steps = {{5, 0.1}, {5, 0.2}}; }), HasSubstr("volume_steps"));
  EXPECT_THAT(message_of([](ScoringConfig* c) { c->volume_window_seconds = -1; }), HasSubstr("volume_window_seconds"));
  EXPECT_THAT(message_of([](ScoringConfig* c) { c->max_agents = 0; }), HasSubstr("max_agents"));
  EXPECT_THAT(ImpactScorer::make({}, {letter_backend({.without_keywords = 2, .with_keywords = 0})}).error().message,
              HasSubstr("a gate of backend 'letters' is 2"));
}

}  // namespace
}  // namespace vivace
