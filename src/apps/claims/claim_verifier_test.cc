// C004_15, C004_18, C004_20: the pipeline with seeded models: its verdicts are those that the strategies' rules give
// for transformers' own entailment answers, and whatever fails leaves nothing behind.
#include "apps/claims/claim_verifier.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/claims/query_embedding.h"
#include "apps/claims/uuid.h"
#include "base/json.h"
#include "store/sqlite_database.h"

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kGolden = std::string(VIVACE_SOURCE_DIR) + "/tests/golden/";

std::unique_ptr<Engine> load(const std::string& folder) {
  EngineOptions options;
  options.threads = 1;
  options.precision = Precision::kF32;  // as the references
  return Engine::load(kGolden + folder, options).value();
}

// Passes all calls on, but fails some of them first.
class FlakyStore final : public EvidenceStore {
 public:
  explicit FlakyStore(EvidenceStore& store) : m_store(store) {}
  int failing_searches = 0;
  int failing_writes = 0;
  int writes_that_only_look_failed = 0;
  int calls = 0;

  Result<void> put_evidence(const EvidenceBatch& batch) override { return m_store.put_evidence(batch); }
  Result<EvidenceRecord> evidence(std::string_view tenant, std::string_view id) override {
    return m_store.evidence(tenant, id);
  }
  Result<uint64_t> count_evidence(std::string_view tenant) override { return m_store.count_evidence(tenant); }
  Result<void> remove_evidence(std::string_view tenant, std::string_view id) override {
    return m_store.remove_evidence(tenant, id);
  }
  Result<IngestCheckpoint> checkpoint(std::string_view tenant, std::string_view source) override {
    return m_store.checkpoint(tenant, source);
  }
  Result<uint64_t> evidence_revision(std::string_view tenant) override { return m_store.evidence_revision(tenant); }
  Result<std::string> vector_model(std::string_view tenant) override { return m_store.vector_model(tenant); }
  Result<std::vector<ScoredEvidence>> search_vectors(const VectorQuery& query) override {
    ++calls;
    if (failing_searches-- > 0) return error(StatusCode::kUnavailable, "gone");
    return m_store.search_vectors(query);
  }
  Result<std::vector<ScoredEvidence>> search_keywords(const KeywordQuery& query) override {
    return m_store.search_keywords(query);
  }
  Result<std::vector<std::optional<double>>> similarities(std::string_view tenant, std::span<const float> vector,
                                                          std::span<const std::string> ids) override {
    return m_store.similarities(tenant, vector, ids);
  }
  Result<void> add_claim(const ClaimRecord& claim) override { return m_store.add_claim(claim); }
  Result<ClaimRecord> claim(std::string_view tenant, std::string_view id) override { return m_store.claim(tenant, id); }
  Result<ClaimPage> claims(std::string_view tenant, uint64_t skip, uint64_t limit) override {
    return m_store.claims(tenant, skip, limit);
  }
  Result<void> remove_claim(std::string_view tenant, std::string_view id) override {
    return m_store.remove_claim(tenant, id);
  }
  Result<void> add_verification(std::string_view tenant, const VerificationRecord& verification) override {
    return m_store.add_verification(tenant, verification);
  }
  Result<void> add_verified_claim(const ClaimRecord& claim, const VerificationRecord& verification) override {
    if (failing_writes-- > 0) return error(StatusCode::kUnavailable, "gone");
    RETURN_IF_ERROR(m_store.add_verified_claim(claim, verification));
    if (writes_that_only_look_failed-- > 0) return error(StatusCode::kUnavailable, "gone");
    return {};
  }
  Result<VerificationRecord> verification(std::string_view tenant, std::string_view claim_id) override {
    return m_store.verification(tenant, claim_id);
  }
  Result<void> add_task(const TaskRecord& task) override { return m_store.add_task(task); }
  Result<TaskRecord> task(std::string_view tenant, std::string_view id) override { return m_store.task(tenant, id); }
  Result<TaskRecord> task_of_claim(std::string_view tenant, std::string_view claim_id) override {
    return m_store.task_of_claim(tenant, claim_id);
  }
  Result<std::optional<TaskRecord>> take_task(std::string_view owner, double lease_seconds) override {
    return m_store.take_task(owner, lease_seconds);
  }
  Result<void> update_task(std::string_view owner, double lease_seconds, const TaskRecord& task) override {
    return m_store.update_task(owner, lease_seconds, task);
  }
  Result<uint64_t> remove_old_tasks(double seconds) override { return m_store.remove_old_tasks(seconds); }

 private:
  EvidenceStore& m_store;
};

class ClaimVerifierTest : public testing::Test {
 protected:
  void SetUp() override {
    m_folder = std::filesystem::temp_directory_path() / random_uuid();
    std::filesystem::create_directory(m_folder);
    m_store = open_sqlite_store((m_folder / "store.db").string()).value();
    m_flaky = std::make_unique<FlakyStore>(*m_store);
    m_verifier = std::make_unique<ClaimVerifier>(*m_flaky, &m_cache, m_stats);
  }
  void TearDown() override {
    m_store.reset();
    std::filesystem::remove_all(m_folder);
  }
  void put(const std::vector<std::string>& texts, const std::string& tenant = kDefaultTenant) {
    EvidenceBatch batch;
    batch.tenant = tenant;
    batch.model_name = vector_model_name(embedder().info());
    for (const std::string& text : texts) {
      EvidenceInput item;
      item.evidence.id = "e" + std::to_string(batch.items.size());
      item.evidence.content = text;
      item.vector = embed_query(embedder(), text, {}).value().values;
      batch.items.push_back(item);
    }
    ASSERT_TRUE(m_store->put_evidence(batch));
  }
  static VerifyRequest request(const std::string& claim) {
    VerifyRequest request;
    request.claim = claim;
    request.min_similarity = -1;
    return request;
  }
  static Engine& embedder() {
    static const std::unique_ptr<Engine> engine = load("tiny-bert");
    return *engine;
  }
  static Engine& entailment() {
    static const std::unique_ptr<Engine> engine = load("heads/bert-nli");
    return *engine;
  }
  Result<VerifyAnswer> verify(const VerifyRequest& request) {
    return m_verifier->verify({.embedder = &embedder(), .entailment = &entailment()}, request);
  }
  uint64_t claims() { return m_store->claims(kDefaultTenant, 0, 10).value().total; }

  std::filesystem::path m_folder;
  std::unique_ptr<EvidenceStore> m_store;
  std::unique_ptr<FlakyStore> m_flaky;
  JudgementCache m_cache{1 << 20};
  ClaimStats m_stats;
  std::unique_ptr<ClaimVerifier> m_verifier;
};

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The pairs of tests/golden/heads/bert-nli with transformers' scores by label name.
TEST_F(ClaimVerifierTest, C004_20_VerdictsFollowFromTransformersAnswers) {
  const auto document =
      JsonDocument::parse(read_file(kGolden + "heads/bert-nli/pipeline.json"), "pipeline.json").value();
  const JsonValue root = document.root();
  const std::vector<JsonValue> inputs = root.get("inputs")->as_array().value();
  const std::vector<JsonValue> labels = root.get("labels")->as_array().value();
  ASSERT_EQ(inputs.size(), labels.size());
  size_t compared = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto premise = inputs[i].find("text");
    const auto hypothesis = inputs[i].find("text_pair");
    if (!premise || !hypothesis) continue;
    const EntailPair pair{std::string(premise->as_string().value()), std::string(hypothesis->as_string().value())};
    EntailRequest entail;
    entail.pairs = {pair};
    const JudgedEvidence judged = judge_evidence({}, entailment().run(entail).value().results[0]);
    NliVote expected;
    const std::vector<JsonValue> entries = labels[i].as_array().value();
    for (const JsonValue& entry : entries) {
      std::string name(entry.get("label").value().as_string().value());
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      const double score = entry.get("score").value().as_double().value();
      if (score > expected.confidence) expected = {parse_nli_label(name).value(), score};
    }
    EXPECT_EQ(judged.label, expected.label);
    EXPECT_NEAR(judged.confidence, expected.confidence, 1e-4);
    for (const auto strategy :
         {AggregationStrategy::kWeightedVote, AggregationStrategy::kMajorityVote, AggregationStrategy::kMeanConfidence,
          AggregationStrategy::kConfidenceThreshold, AggregationStrategy::kStrictConsensus}) {
      AggregationOptions options;
      options.strategy = strategy;
      const AggregatedVerdict mine = decide({judged}, options, 0).value();
      const AggregatedVerdict theirs = aggregate_verdict(std::vector<NliVote>{expected}, options).value();
      EXPECT_EQ(mine.verdict, theirs.verdict);
      EXPECT_NEAR(mine.confidence, theirs.confidence, 1e-4);
    }
    ++compared;
  }
  EXPECT_GE(compared, 3U);
}

TEST_F(ClaimVerifierTest, C004_15_EachStageIsTimedAndTheVerdictStored) {
  put({"the cat sat on the mat", "a dog ran", "water is wet"});
  std::vector<std::string> stages;
  VerifyRequest asked = request("the cat sat here");
  asked.on_stage = [&](VerifyStage stage) { stages.emplace_back(verify_stage_name(stage)); };
  const VerifyAnswer answer = verify(asked).value();
  EXPECT_THAT(stages, ElementsAre("validate", "embed", "retrieve", "entail", "aggregate", "store"));
  EXPECT_GT(answer.stage_ms[static_cast<size_t>(VerifyStage::kEntail)], 0);
  EXPECT_EQ(answer.judgement->evidence.size(), 3U);
  const VerificationRecord stored = m_store->verification(kDefaultTenant, answer.claim_id).value();
  EXPECT_EQ(stored.id, answer.verification_id);
  EXPECT_EQ(stored.verdict, answer.judgement->verdict.verdict);
  ASSERT_EQ(stored.nli_results.size(), 3U);
  EXPECT_EQ(stored.nli_results[0].premise, answer.judgement->evidence[0].hit.evidence.content);
  EXPECT_EQ(stored.nli_results[0].hypothesis, "the cat sat here");
  EXPECT_EQ(stored.retrieval_method, "hybrid");
  EXPECT_EQ(stored.model_name, "bert-nli");
  EXPECT_EQ(m_stats.nli_pairs.value(), 3U);
}

TEST_F(ClaimVerifierTest, WithoutEvidenceItIsInsufficient) {
  const VerifyAnswer answer = verify(request("nothing is known here")).value();
  EXPECT_EQ(answer.judgement->verdict.verdict, Verdict::kInsufficient);
  EXPECT_EQ(answer.judgement->verdict.confidence, 0);
  EXPECT_EQ(m_store->verification(kDefaultTenant, answer.claim_id).value().evidence_count, 0U);
}

TEST_F(ClaimVerifierTest, C004_18_RefusedClaimsAreNotStored) {
  const auto refused = verify(request("word"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, StartsWith("SINGLE_WORD: "));
  EXPECT_EQ(claims(), 0U);
  EXPECT_EQ(m_stats.failed.value(), 1U);
}

TEST_F(ClaimVerifierTest, ThresholdsActOnEveryStrategy) {
  put({"the cat sat on the mat", "a dog ran"});
  VerifyRequest asked = request("the cat sat here");
  asked.confidence_threshold = 1;
  for (const auto strategy : {AggregationStrategy::kMajorityVote, AggregationStrategy::kMeanConfidence}) {
    asked.aggregation.strategy = strategy;
    asked.aggregation.min_confidence = 0;
    const AggregatedVerdict verdict = verify(asked).value().judgement->verdict;
    EXPECT_TRUE(verdict.confidence == 1 || verdict.verdict == Verdict::kInsufficient);
    EXPECT_THAT(verdict.explanation, StartsWith(std::string(verdict_name(verdict.verdict))));
  }
}

TEST_F(ClaimVerifierTest, RetriesWhereThatHelps) {
  put({"the cat sat on the mat"});
  m_flaky->failing_searches = 2;
  m_flaky->failing_writes = 1;
  const VerifyAnswer answer = verify(request("the cat sat here")).value();
  EXPECT_EQ(answer.retries, 3);
  EXPECT_EQ(m_stats.retries.value(), 3U);
  m_flaky->failing_searches = 100;
  m_flaky->failing_writes = 0;
  const auto failed = verify(request("the dog sat here"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("retrieve"));
  EXPECT_EQ(claims(), 1U);
}

TEST_F(ClaimVerifierTest, C004_20_AVerdictThatCannotBeStoredIsAnAnswerThatSaysSo) {
  put({"the cat sat on the mat"});
  SqliteDatabase other = SqliteDatabase::open((m_folder / "store.db").string()).value();
  ASSERT_TRUE(other.execute("BEGIN IMMEDIATE"));
  VerifyRequest asked = request("the cat sat here");
  asked.patience.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  const auto answer = verify(asked);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->judgement->verdict.evidence_count, 1U);
  EXPECT_THAT(answer->not_stored_because, HasSubstr("another process"));
  EXPECT_EQ(m_stats.not_stored.value(), 1U);
  EXPECT_EQ(claims(), 0U);
  ASSERT_TRUE(other.execute("ROLLBACK"));
  EXPECT_EQ(verify(request("the cat sat here")).value().not_stored_because, "");
  EXPECT_EQ(claims(), 1U);
}

TEST_F(ClaimVerifierTest, AnUnclearCommitIsNotRepeated) {
  put({"the cat sat on the mat"});
  m_flaky->writes_that_only_look_failed = 1;
  const VerifyAnswer answer = verify(request("the cat sat here")).value();
  EXPECT_EQ(answer.retries, 1);
  EXPECT_EQ(m_store->verification(kDefaultTenant, answer.claim_id).value().id, answer.verification_id);
  EXPECT_EQ(claims(), 1U);
}

TEST_F(ClaimVerifierTest, DeadlinesEndIt) {
  put({"the cat sat on the mat"});
  VerifyRequest asked = request("the cat sat here");
  asked.patience.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(verify(asked).error().code, StatusCode::kDeadlineExceeded);
  asked.patience.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  m_flaky->failing_searches = 100;
  EXPECT_FALSE(verify(asked));
  EXPECT_LE(m_flaky->calls, 2);  // the pause of 100 ms would end too late
  std::stop_source gone;
  gone.request_stop();
  asked.patience = {.deadline = {}, .cancel = gone.get_token()};
  EXPECT_EQ(verify(asked).error().code, StatusCode::kCancelled);
  EXPECT_EQ(claims(), 0U);
}

TEST_F(ClaimVerifierTest, CachedUntilSomethingChanges) {
  put({"the cat sat on the mat"});
  const VerifyAnswer first = verify(request("the cat sat here")).value();
  EXPECT_FALSE(first.cached);
  const VerifyAnswer second = verify(request("the cat sat here")).value();
  EXPECT_TRUE(second.cached);
  EXPECT_NE(second.claim_id, first.claim_id);  // a claim of its own, with its own verdict
  EXPECT_EQ(m_store->verification(kDefaultTenant, second.claim_id).value().nli_results.size(), 1U);
  EXPECT_EQ(m_stats.nli_pairs.value(), 1U);
  VerifyRequest other = request("the cat sat here");
  other.max_evidence = 5;
  EXPECT_FALSE(verify(other).value().cached);
  other = request("the cat sat here");
  other.aggregation.strategy = AggregationStrategy::kMeanConfidence;
  EXPECT_FALSE(verify(other).value().cached);
  other = request("the cat sat here");
  other.tenant = "other";
  EXPECT_FALSE(verify(other).value().cached);
  put({"the cat sat on the mat", "another one"});
  EXPECT_FALSE(verify(request("the cat sat here")).value().cached);
}

TEST_F(ClaimVerifierTest, AnotherModelsVectorsAreRefused) {
  put({"the cat sat on the mat"});
  const auto refused =
      m_verifier->verify({.embedder = &entailment(), .entailment = &entailment()}, request("the cat sat here"));
  EXPECT_THAT(refused.error().message, HasSubstr("tiny-bert"));
}

TEST(Uuid, IsOfVersion4) {
  const std::string id = random_uuid();
  EXPECT_TRUE(is_uuid(id)) << id;
  EXPECT_EQ(id[14], '4');
  EXPECT_THAT(std::string("89ab"), HasSubstr(id.substr(19, 1)));
  EXPECT_NE(id, random_uuid());
  EXPECT_FALSE(is_uuid("x" + id.substr(1)));
  EXPECT_FALSE(is_uuid(id + "0"));
}

}  // namespace
}  // namespace vivace
