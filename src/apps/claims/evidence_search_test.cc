// C004_19: evidence by meaning, by words and by both.
#include "apps/claims/evidence_search.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;

class EvidenceSearchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "vivace_search_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    m_folder = name;
    m_store = open_sqlite_store((m_folder / "store.db").string()).value();
    EvidenceBatch batch;
    batch.model_name = "model";
    batch.items = {item("near", "some heat", {1, 0.1F}), item("both", "water boils", {1, 0.5F}),
                   item("far", "water freezes", {-1, 0.2F}), item("bare", "cold water", {})};
    ASSERT_TRUE(m_store->put_evidence(batch));
  }
  void TearDown() override {
    m_store.reset();
    std::filesystem::remove_all(m_folder);
  }
  static EvidenceInput item(const std::string& id, const std::string& content, std::vector<float> vector) {
    EvidenceInput input;
    input.evidence.id = id;
    input.evidence.content = content;
    input.vector = std::move(vector);
    return input;
  }
  std::vector<EvidenceHit> find(SearchMode mode, size_t limit = 10, double min_similarity = -1) {
    EvidenceSearch search;
    search.mode = mode;
    search.text = "boiling water";
    search.vector = {1, 0};
    search.limit = limit;
    search.min_similarity = min_similarity;
    const auto hits = search_evidence(*m_store, search);
    EXPECT_TRUE(hits);
    return hits.value_or(std::vector<EvidenceHit>());
  }
  static std::vector<std::string> ids(const std::vector<EvidenceHit>& hits) {
    std::vector<std::string> list;
    for (const EvidenceHit& hit : hits) list.push_back(hit.evidence.id);
    return list;
  }
  std::filesystem::path m_folder;
  std::unique_ptr<EvidenceStore> m_store;
};

TEST_F(EvidenceSearchTest, C004_19_VectorMode) {
  const auto hits = find(SearchMode::kVector);
  EXPECT_THAT(ids(hits), ElementsAre("near", "both", "far"));
  EXPECT_EQ(hits[0].similarity, hits[0].score);
}

TEST_F(EvidenceSearchTest, C004_19_KeywordMode) {
  const auto hits = find(SearchMode::kKeyword);
  ASSERT_EQ(hits.size(), 3U);
  EXPECT_EQ(hits[0].evidence.id, "both");
  EXPECT_FALSE(hits[0].similarity);
  EXPECT_GT(hits[0].score, hits[1].score);
}

TEST_F(EvidenceSearchTest, C004_19_HybridIsTheFusionOfBothLegs) {
  const auto hits = find(SearchMode::kHybrid);
  ASSERT_EQ(hits.size(), 4U);
  EXPECT_EQ(hits[0].evidence.id, "both");  // ranks 2 and 1 beat rank 1 alone
  EXPECT_EQ(hits[0].via, MatchedVia::kBoth);
  EXPECT_DOUBLE_EQ(hits[0].score, 0.5 / 62 + 0.5 / 61);
  for (const EvidenceHit& hit : hits) {
    EXPECT_EQ(hit.similarity.has_value(), hit.evidence.id != "bare") << hit.evidence.id;
    EXPECT_FALSE(hit.evidence.content.empty());
  }
  EXPECT_THAT(ids(find(SearchMode::kHybrid, 1)), ElementsAre("both"));
}

TEST_F(EvidenceSearchTest, C004_19_TheBoundHoldsForWhatWordsFound) {
  const auto hits = find(SearchMode::kHybrid, 10, 0.95);
  EXPECT_THAT(ids(hits), ElementsAre("bare", "near"));  // rank 1 of a leg each; "both" has a cosine of 0.89
  EXPECT_EQ(hits[0].via, MatchedVia::kKeyword);
  EXPECT_FALSE(hits[0].similarity);
  EXPECT_THAT(ids(find(SearchMode::kHybrid, 1, 0.95)), ElementsAre("bare"));
  EXPECT_EQ(ids(find(SearchMode::kHybrid, 10, -0.5)).size(), 3U);  // without "far"
}

TEST_F(EvidenceSearchTest, WrongWeightsAndLimitsAreRefused) {
  EvidenceSearch search;
  search.text = "x";
  search.vector = {1, 0};
  search.fusion.vector_weight = -1;
  EXPECT_EQ(search_evidence(*m_store, search).error().code, StatusCode::kInvalidArgument);
  search.fusion = {};
  search.limit = 0;
  EXPECT_EQ(search_evidence(*m_store, search).error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(parse_search_mode("hybrids").error().code, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vivace
