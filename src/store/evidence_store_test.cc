// C004_19, C004_20: what every store promises, on each backend.
#include "store/evidence_store.h"

#include <cmath>
#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/store_checks.h"
#include "store/store_testing.h"

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class EvidenceStoreTest : public testing::TestWithParam<StoreBackend> {
 protected:
  void SetUp() override { m_store = open(); }
  std::unique_ptr<EvidenceStore> open() {
    auto store = GetParam().open(m_folder);
    if (!store) ADD_FAILURE() << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  void put(std::vector<EvidenceInput> items, const std::string& tenant = kDefaultTenant) {
    const auto done = m_store->put_evidence(evidence_batch(tenant, std::move(items)));
    ASSERT_TRUE(done) << done.error().message;
  }
  std::vector<std::string> nearest(std::vector<float> vector, const std::string& tenant = kDefaultTenant) {
    VectorQuery query;
    query.tenant = tenant;
    query.vector = std::move(vector);
    return ids_of(m_store->search_vectors(query).value());
  }
  std::vector<std::string> words(const std::string& text, const std::string& tenant = kDefaultTenant) {
    KeywordQuery query;
    query.tenant = tenant;
    query.text = text;
    return ids_of(m_store->search_keywords(query).value());
  }
  TemporaryFolder m_folder;
  std::unique_ptr<EvidenceStore> m_store;
};

TEST_P(EvidenceStoreTest, C004_19_KeepsEvidence) {
  EvidenceInput input = evidence_input("a", "Water boils — 水", {1, 0});
  input.evidence.source_url = "https://example.org/a";
  input.evidence.source_type = "book";
  put({input});
  m_store.reset();
  m_store = open();
  const EvidenceRecord read = m_store->evidence(kDefaultTenant, "a").value();
  EXPECT_EQ(read.content, "Water boils — 水");
  EXPECT_EQ(read.source_url, "https://example.org/a");
  EXPECT_EQ(read.source_type, "book");
  EXPECT_EQ(read.created_at.size(), 24U) << read.created_at;
  EXPECT_EQ(m_store->count_evidence(kDefaultTenant).value(), 1U);
  EXPECT_EQ(m_store->vector_model(kDefaultTenant).value(), "model");
  EXPECT_EQ(m_store->evidence(kDefaultTenant, "b").error().code, StatusCode::kNotFound);
}

TEST_P(EvidenceStoreTest, SameIdReplaces) {
  put({evidence_input("a", "old words", {1, 0}), evidence_input("b", "others", {0, 1})});
  EXPECT_THAT(nearest({1, 0}), ElementsAre("a", "b"));
  put({evidence_input("a", "new words", {-1, 0})});
  EXPECT_EQ(m_store->count_evidence(kDefaultTenant).value(), 2U);
  EXPECT_THAT(nearest({1, 0}), ElementsAre("b", "a"));
  EXPECT_THAT(words("old"), IsEmpty());
  EXPECT_THAT(words("new"), ElementsAre("a"));
  put({evidence_input("a", "without a vector")});
  EXPECT_THAT(nearest({1, 0}), ElementsAre("b"));
}

TEST_P(EvidenceStoreTest, RemovedEvidenceIsNotFound) {
  put({evidence_input("a", "one", {1, 0}), evidence_input("b", "two", {0, 1})});
  EXPECT_THAT(nearest({1, 0}), ElementsAre("a", "b"));
  ASSERT_TRUE(m_store->remove_evidence(kDefaultTenant, "a"));
  EXPECT_THAT(nearest({1, 0}), ElementsAre("b"));
  EXPECT_THAT(words("one"), IsEmpty());
  EXPECT_EQ(m_store->remove_evidence(kDefaultTenant, "a").error().code, StatusCode::kNotFound);
}

TEST_P(EvidenceStoreTest, C004_19_VectorSearchIsByCosine) {
  put({evidence_input("long", "x", {100, 0}), evidence_input("tie2", "x", {0, 3}), evidence_input("tie1", "x", {0, 1}),
       evidence_input("against", "x", {-1, 0})});
  VectorQuery query;
  query.vector = {2, 1};
  auto found = m_store->search_vectors(query).value();
  EXPECT_THAT(ids_of(found), ElementsAre("long", "tie1", "tie2", "against"));
  EXPECT_NEAR(found[0].score, 2 / std::sqrt(5.0), 1e-6);
  EXPECT_NEAR(found[3].score, -2 / std::sqrt(5.0), 1e-6);
  query.min_similarity = 0.5;
  EXPECT_THAT(ids_of(m_store->search_vectors(query).value()), ElementsAre("long"));
  query.min_similarity = -1;
  query.limit = 2;
  EXPECT_THAT(ids_of(m_store->search_vectors(query).value()), ElementsAre("long", "tie1"));
  const std::vector<std::string> ids = {"tie2", "unknown"};
  const auto cosines = m_store->similarities(kDefaultTenant, query.vector, ids).value();
  EXPECT_NEAR(cosines[0].value_or(9), 1 / std::sqrt(5.0), 1e-6);
  EXPECT_FALSE(cosines[1]);
}

TEST_P(EvidenceStoreTest, SourceFilterHoldsOnBothLegs) {
  EvidenceInput first = evidence_input("a", "water", {1, 0});
  first.evidence.source_url = "https://a";
  EvidenceInput second = evidence_input("b", "water", {1, 0});
  second.evidence.source_url = "https://b";
  put({first, second});
  VectorQuery vector_query;
  vector_query.vector = {1, 0};
  vector_query.source_url = "https://b";
  EXPECT_THAT(ids_of(m_store->search_vectors(vector_query).value()), ElementsAre("b"));
  vector_query.source_url = "https://c";
  EXPECT_THAT(ids_of(m_store->search_vectors(vector_query).value()), IsEmpty());
  KeywordQuery keyword_query;
  keyword_query.text = "water";
  keyword_query.source_url = "https://a";
  EXPECT_THAT(ids_of(m_store->search_keywords(keyword_query).value()), ElementsAre("a"));
}

TEST_P(EvidenceStoreTest, C004_19_TenantsNeverMix) {
  put({evidence_input("a", "shared water", {1, 0})}, "one");
  put({evidence_input("a", "other water", {0, 1, 0}), evidence_input("b", "water", {1, 0, 0})}, "two");
  EXPECT_THAT(nearest({1, 0}, "one"), ElementsAre("a"));
  EXPECT_THAT(nearest({1, 0, 0}, "two"), ElementsAre("b", "a"));
  EXPECT_THAT(words("water", "one"), ElementsAre("a"));
  EXPECT_THAT(words("shared", "two"), IsEmpty());
  EXPECT_THAT(words("water", "three"), IsEmpty());
  EXPECT_THAT(nearest({1}, "three"), IsEmpty());
  EXPECT_EQ(m_store->evidence("two", "a").value().content, "other water");
  ClaimRecord claim{.id = "c", .tenant = "one", .text = "Water is wet.", .source_url = "", .submitted_at = ""};
  ASSERT_TRUE(m_store->add_claim(claim));
  EXPECT_EQ(m_store->claim("two", "c").error().code, StatusCode::kNotFound);
  EXPECT_EQ(m_store->claims("two", 0, 10).value().total, 0U);
  VerificationRecord verdict;
  verdict.id = "v";
  verdict.claim_id = "c";
  EXPECT_EQ(m_store->add_verification("two", verdict).error().code, StatusCode::kNotFound);
  EXPECT_EQ(m_store->remove_claim("two", "c").error().code, StatusCode::kNotFound);
}

TEST_P(EvidenceStoreTest, C004_19_KeywordsAreStemmedAndRanked) {
  put({evidence_input("both", "The river flows to the ocean."), evidence_input("one", "Rivers, and more rivers."),
       evidence_input("none", "The capital of the country"), evidence_input("cafe", "Un café près de la tour")});
  EXPECT_THAT(words("Which river flowed into the ocean?"), ElementsAre("both", "one"));
  EXPECT_THAT(words("ocean"), ElementsAre("both"));
  EXPECT_THAT(words("cafe"), ElementsAre("cafe"));
  EXPECT_THAT(words("of the"), UnorderedElementsAre("both", "none"));  // nothing else was asked for
  EXPECT_THAT(words("?!"), IsEmpty());
}

// Not by a space alone, nor by ASCII's signs alone: each word of a question is looked for by itself.
TEST_P(EvidenceStoreTest, AnySignBetweenWordsPartsThem) {
  put({evidence_input("one", "Penguins swim."), evidence_input("two", "Few birds swim."),
       evidence_input("three", "Nothing else")});
  for (const std::string sign :
       {"-", "\u2014", "\u00A0", "\u2026", "\u3001", "\u2028", "\u200B", "\u00AD", "\U0001F427"}) {
    EXPECT_THAT(words("birds" + sign + "penguins"), UnorderedElementsAre("one", "two")) << sign;
    EXPECT_THAT(words("the" + sign + "birds" + sign), ElementsAre("two")) << sign;
    EXPECT_THAT(words(sign), IsEmpty()) << sign;
  }
}

// A mark is of the letter before it, also in scripts that write vowels so.
TEST_P(EvidenceStoreTest, MarksPartNoWords) {
  put({evidence_input("accent", "Cafe\u0301 noir"), evidence_input("vowels", "\u0939\u093F\u0928\u094D\u0926\u0940"),
       evidence_input("other", "caf noir, \u0939")});
  EXPECT_THAT(words("cafe\u0301"), ElementsAre("accent"));
  EXPECT_THAT(words("caf\u00E9"), ElementsAre("accent"));
  EXPECT_THAT(words("\u0939\u093F\u0928\u094D\u0926\u0940"), ElementsAre("vowels"));
  EXPECT_THAT(words("\u0301\u093F"), IsEmpty());
}

// As SQLite's FTS5 does it, which is not quite Porter's algorithm.
TEST_P(EvidenceStoreTest, WordsHaveTheSameStemsInEachStore) {
  const std::string long_word = std::string(62, 'x') + "ing";  // 65 bytes
  put({evidence_input("is", "It is us."), evidence_input("i", "I u."), evidence_input("adjective", "technological"),
       evidence_input("life", "biological"), evidence_input("adverb", "possibly"), evidence_input("long", long_word)});
  EXPECT_THAT(words("i"), ElementsAre("i"));
  EXPECT_THAT(words("us"), ElementsAre("is"));
  EXPECT_THAT(words("technologies"), ElementsAre("adjective"));
  EXPECT_THAT(words("biology"), IsEmpty());
  EXPECT_THAT(words("possible"), ElementsAre("adverb"));
  EXPECT_THAT(words(std::string(62, 'x')), IsEmpty());
  EXPECT_THAT(words(long_word), ElementsAre("long"));
}

TEST_P(EvidenceStoreTest, QuestionsAreNoQueryLanguage) {
  put({evidence_input("a", "near or not: column text")});
  for (const std::string text : {"\"", "a\" OR \"b", "content:near", "NEAR(near not)", "* ^ - +", "near AND",
                                 "— “near”", "'; DROP TABLE evidence; --", "{near}", "\xF0\x9F\x8C\x8D"}) {
    KeywordQuery query;
    query.text = text;
    EXPECT_TRUE(m_store->search_keywords(query)) << text;
  }
  EXPECT_THAT(words("xyz* OR text"), ElementsAre("a"));
  EXPECT_EQ(m_store->count_evidence("' OR 1 = 1 --").value(), 0U);
  EXPECT_EQ(m_store->count_evidence(kDefaultTenant).value(), 1U);
}

TEST_P(EvidenceStoreTest, EqualScoresAreOrderedById) {
  put({evidence_input("c", "same words", {1, 1}), evidence_input("a", "same words", {1, 1}),
       evidence_input("b", "same words", {1, 1})});
  EXPECT_THAT(nearest({1, 0}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words("words"), ElementsAre("a", "b", "c"));
}

TEST_P(EvidenceStoreTest, VectorsOfTwoModelsDoNotMix) {
  put({evidence_input("a", "x", {1, 0})});
  EvidenceBatch other_model = evidence_batch(kDefaultTenant, {evidence_input("b", "x", {1, 0})});
  other_model.model_name = "other";
  EXPECT_EQ(m_store->put_evidence(other_model).error().code, StatusCode::kInvalidArgument);
  const auto longer = m_store->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("b", "x", {1, 0, 0})}));
  EXPECT_THAT(longer.error().message, HasSubstr("'model' with 2 values"));
  VectorQuery query;
  query.vector = {1, 0, 0};
  EXPECT_EQ(m_store->search_vectors(query).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(m_store->count_evidence(kDefaultTenant).value(), 1U);
}

TEST_P(EvidenceStoreTest, ABatchIsStoredWholeOrNotAtAll) {
  EvidenceBatch batch =
      evidence_batch(kDefaultTenant, {evidence_input("a", "x", {1, 0}), evidence_input("b", "x", {1})});
  batch.checkpoint = {.source = "corpus", .position = 2, .model_name = "model"};
  EXPECT_FALSE(m_store->put_evidence(batch));
  EXPECT_EQ(m_store->count_evidence(kDefaultTenant).value(), 0U);
  EXPECT_EQ(m_store->checkpoint(kDefaultTenant, "corpus").value().position, 0U);
  EXPECT_EQ(m_store->vector_model(kDefaultTenant).value(), "");
  batch.items.pop_back();
  ASSERT_TRUE(m_store->put_evidence(batch));
  EXPECT_EQ(m_store->checkpoint(kDefaultTenant, "corpus").value().position, 2U);
  EXPECT_EQ(m_store->checkpoint(kDefaultTenant, "corpus").value().model_name, "model");
  EXPECT_EQ(m_store->checkpoint("other", "corpus").value().position, 0U);
}

VerificationRecord some_verdict(const std::string& id, Verdict verdict) {
  VerificationRecord record;
  record.id = id;
  record.claim_id = "c";
  record.verdict = verdict;
  record.confidence = 0.75;
  record.support_score = 0.75;
  record.refute_score = 0.25;
  record.evidence_count = 2;
  record.supporting_count = 1;
  record.refuting_count = 1;
  record.reasoning = "because";
  record.model_name = "nli";
  record.retrieval_method = "hybrid";
  for (const NliLabel label : {NliLabel::kEntailment, NliLabel::kContradiction}) {
    NliRecord nli;
    nli.id = id + "/" + std::string(nli_label_name(label));
    nli.evidence_id = "e";
    nli.label = label;
    nli.confidence = 0.5;
    nli.entailment_score = 0.25;
    nli.contradiction_score = 0.5;
    nli.neutral_score = 0.25;
    nli.similarity = 0.125;
    nli.premise = "premise";
    nli.hypothesis = "hypothesis";
    record.nli_results.push_back(nli);
  }
  return record;
}

TEST_P(EvidenceStoreTest, C004_20_KeepsVerdicts) {
  ClaimRecord claim{
      .id = "c", .tenant = kDefaultTenant, .text = "Water is wet.", .source_url = "u", .submitted_at = ""};
  ASSERT_TRUE(m_store->add_claim(claim));
  EXPECT_EQ(m_store->add_claim(claim).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(m_store->verification(kDefaultTenant, "c").error().code, StatusCode::kNotFound);
  ASSERT_TRUE(m_store->add_verification(kDefaultTenant, some_verdict("v1", Verdict::kRefuted)));
  ASSERT_TRUE(m_store->add_verification(kDefaultTenant, some_verdict("v2", Verdict::kSupported)));
  m_store.reset();
  m_store = open();
  const VerificationRecord read = m_store->verification(kDefaultTenant, "c").value();
  EXPECT_EQ(read.id, "v2");
  EXPECT_EQ(read.verdict, Verdict::kSupported);
  EXPECT_EQ(read.confidence, 0.75);
  EXPECT_EQ(read.refuting_count, 1U);
  EXPECT_EQ(read.reasoning, "because");
  EXPECT_EQ(read.retrieval_method, "hybrid");
  ASSERT_EQ(read.nli_results.size(), 2U);
  EXPECT_EQ(read.nli_results[0].label, NliLabel::kEntailment);
  EXPECT_EQ(read.nli_results[1].label, NliLabel::kContradiction);
  EXPECT_EQ(read.nli_results[1].similarity, 0.125);
  EXPECT_EQ(read.nli_results[1].hypothesis, "hypothesis");
  ASSERT_TRUE(m_store->remove_claim(kDefaultTenant, "c"));
  ASSERT_TRUE(m_store->add_claim(claim));
  EXPECT_EQ(m_store->verification(kDefaultTenant, "c").error().code, StatusCode::kNotFound);
  EXPECT_TRUE(m_store->add_verification(kDefaultTenant, some_verdict("v1", Verdict::kRefuted)));
}

TEST_P(EvidenceStoreTest, C004_20_NoHalfWrittenVerdict) {
  ASSERT_TRUE(
      m_store->add_claim({.id = "c", .tenant = kDefaultTenant, .text = "t", .source_url = "", .submitted_at = ""}));
  VerificationRecord verdict = some_verdict("v", Verdict::kSupported);
  verdict.nli_results[1].id = verdict.nli_results[0].id;
  EXPECT_EQ(m_store->add_verification(kDefaultTenant, verdict).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(m_store->verification(kDefaultTenant, "c").error().code, StatusCode::kNotFound);
  verdict.claim_id = "unknown";
  EXPECT_EQ(m_store->add_verification(kDefaultTenant, verdict).error().code, StatusCode::kNotFound);
}

TEST_P(EvidenceStoreTest, C004_20_ClaimAndVerdictComeTogether) {
  const ClaimRecord claim{
      .id = "c", .tenant = kDefaultTenant, .text = "Water is wet.", .source_url = "", .submitted_at = ""};
  VerificationRecord broken = some_verdict("v", Verdict::kSupported);
  broken.nli_results[1].id = broken.nli_results[0].id;
  EXPECT_EQ(m_store->add_verified_claim(claim, broken).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(m_store->claim(kDefaultTenant, "c").error().code, StatusCode::kNotFound);
  ASSERT_TRUE(m_store->add_verified_claim(claim, some_verdict("v", Verdict::kSupported)));
  EXPECT_EQ(m_store->verification(kDefaultTenant, "c").value().id, "v");
  EXPECT_EQ(m_store->add_verified_claim(claim, some_verdict("w", Verdict::kSupported)).error().code,
            StatusCode::kInvalidArgument);
}

TEST_P(EvidenceStoreTest, RevisionsTellThatEvidenceChanged) {
  const uint64_t empty = m_store->evidence_revision(kDefaultTenant).value();
  put({evidence_input("a", "x")});
  const uint64_t first = m_store->evidence_revision(kDefaultTenant).value();
  EXPECT_NE(first, empty);
  put({evidence_input("b", "x")}, "other");
  EXPECT_EQ(m_store->evidence_revision(kDefaultTenant).value(), first);
  ASSERT_TRUE(m_store->remove_evidence(kDefaultTenant, "a"));
  EXPECT_NE(m_store->evidence_revision(kDefaultTenant).value(), first);
}

TaskRecord some_task(const std::string& id, const std::string& tenant = kDefaultTenant) {
  TaskRecord task;
  task.id = id;
  task.tenant = tenant;
  task.claim_id = "c";
  task.request = "{}";
  return task;
}

TEST_P(EvidenceStoreTest, C004_20_TasksAreTakenOnceAndOutliveTheProcess) {
  ASSERT_TRUE(m_store->add_task(some_task("1")));
  ASSERT_TRUE(m_store->add_task(some_task("2", "other")));
  EXPECT_EQ(m_store->add_task(some_task("1")).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(m_store->task("other", "1").error().code, StatusCode::kNotFound);
  m_store.reset();
  m_store = open();
  EXPECT_EQ(m_store->task(kDefaultTenant, "1").value().status, TaskStatus::kPending);
  TaskRecord first = m_store->take_task("me", 60).value().value();
  EXPECT_EQ(first.id, "1");
  EXPECT_EQ(first.status, TaskStatus::kProcessing);
  EXPECT_EQ(m_store->take_task("you", 60).value()->id, "2");
  EXPECT_FALSE(m_store->take_task("you", 60).value());
  first.progress = 50;
  ASSERT_TRUE(m_store->update_task("me", 60, first));
  EXPECT_EQ(m_store->update_task("you", 60, first).error().code, StatusCode::kNotFound);
  EXPECT_EQ(m_store->task(kDefaultTenant, "1").value().progress, 50U);
  first.status = TaskStatus::kCompleted;
  first.result = R"({"verdict":"SUPPORTED"})";
  ASSERT_TRUE(m_store->update_task("me", 60, first));
  const TaskRecord done = m_store->task_of_claim(kDefaultTenant, "c").value();
  EXPECT_EQ(done.result, first.result);
  EXPECT_EQ(done.completed_at.size(), 24U);
  EXPECT_FALSE(m_store->update_task("me", 60, first));  // what is done stays as it is
  EXPECT_EQ(m_store->remove_old_tasks(3600).value(), 0U);
  EXPECT_EQ(m_store->remove_old_tasks(-1).value(), 1U);
  EXPECT_EQ(m_store->task(kDefaultTenant, "1").error().code, StatusCode::kNotFound);
}

TEST_P(EvidenceStoreTest, C004_20_TasksOfTheKilledGoToOthers) {
  ASSERT_TRUE(m_store->add_task(some_task("1")));
  const TaskRecord taken = m_store->take_task("killed", -1).value().value();
  EXPECT_EQ(m_store->take_task("other", 60).value()->id, "1");
  EXPECT_EQ(m_store->update_task("killed", 60, taken).error().code, StatusCode::kNotFound);
}

TEST_P(EvidenceStoreTest, ClaimsArePagedTheNewestFirst) {
  for (const std::string id : {"1", "2", "3"}) {
    ASSERT_TRUE(
        m_store->add_claim({.id = id, .tenant = kDefaultTenant, .text = "t", .source_url = "", .submitted_at = ""}));
  }
  const ClaimPage page = m_store->claims(kDefaultTenant, 1, 5).value();
  EXPECT_EQ(page.total, 3U);
  ASSERT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.items[0].id, "2");
  EXPECT_EQ(page.items[1].id, "1");
  EXPECT_FALSE(m_store->claims(kDefaultTenant, 0, 0));
  EXPECT_FALSE(m_store->claims(kDefaultTenant, 0, kMaxResults + 1));
}

TEST_P(EvidenceStoreTest, BadInputIsRefusedByName) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  auto refused = [this](EvidenceInput item, StatusCode code, const std::string& field) {
    const auto done = m_store->put_evidence(evidence_batch(kDefaultTenant, {std::move(item)}));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, code);
    EXPECT_THAT(done.error().message, HasSubstr(field));
  };
  refused(evidence_input("", "x"), StatusCode::kInvalidArgument, "id");
  refused(evidence_input("a", ""), StatusCode::kInvalidArgument, "content");
  refused(evidence_input("a", "\xFF"), StatusCode::kInvalidArgument, "content");
  refused(evidence_input("a", std::string("a\0b", 3)), StatusCode::kInvalidArgument, "content");
  refused(evidence_input(std::string(kMaxIdBytes + 1, 'a'), "x"), StatusCode::kTooLarge, "id");
  refused(evidence_input("a", std::string(kMaxTextBytes + 1, 'a')), StatusCode::kTooLarge, "content");
  refused(evidence_input("a", "x", {0, 0}), StatusCode::kInvalidArgument, "vector");
  refused(evidence_input("a", "x", {1, nan}), StatusCode::kInvalidArgument, "vector");
  refused(evidence_input("a", "x", std::vector<float>(kMaxDimensions + 1, 1)), StatusCode::kInvalidArgument, "vector");
  VectorQuery query;
  EXPECT_FALSE(m_store->search_vectors(query));
  query.vector = {1};
  query.limit = kMaxResults + 1;
  EXPECT_FALSE(m_store->search_vectors(query));
}

TEST_P(EvidenceStoreTest, TwoConnectionsSeeEachOther) {
  const std::unique_ptr<EvidenceStore> other = open();
  put({evidence_input("a", "x", {1, 0})});
  VectorQuery query;
  query.vector = {1, 0};
  EXPECT_THAT(ids_of(other->search_vectors(query).value()), ElementsAre("a"));
  put({evidence_input("b", "x", {1, 0.1F})});
  EXPECT_THAT(ids_of(other->search_vectors(query).value()), ElementsAre("a", "b"));
  ASSERT_TRUE(m_store->remove_evidence(kDefaultTenant, "a"));
  EXPECT_THAT(ids_of(other->search_vectors(query).value()), ElementsAre("b"));
}

TEST_P(EvidenceStoreTest, WritersAndReadersSideBySide) {
  constexpr int kBatches = 40;
  std::vector<std::thread> threads;
  for (const std::string tenant : {"one", "two"}) {
    threads.emplace_back([this, tenant] {
      for (int i = 0; i < kBatches; ++i) {
        const auto x = static_cast<float>(i);
        ASSERT_TRUE(m_store->put_evidence(evidence_batch(tenant, {evidence_input(std::to_string(i), "word", {x, 1})})));
      }
    });
    threads.emplace_back([this, tenant] {
      size_t seen = 0;
      while (seen < kBatches) {
        VectorQuery query;
        query.tenant = tenant;
        query.vector = {1, 0};
        query.limit = kMaxResults;
        const auto found = m_store->search_vectors(query);
        ASSERT_TRUE(found);
        ASSERT_GE(found->size(), seen);
        seen = found->size();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(Backends, EvidenceStoreTest, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace vivace
