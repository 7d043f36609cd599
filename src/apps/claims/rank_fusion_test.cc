// C004_19: two rankings become one.
#include "apps/claims/rank_fusion.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/recorded_testing.h"

namespace vivace {
namespace {

struct RecordedCase {
  std::vector<RankedVector> vector_leg;
  std::vector<std::string> keyword_leg;
  FusionOptions options;
  std::optional<size_t> top_k;
  bool is_search = true;  // the whole search was called, not the merge alone
};

RecordedCase read_case(const JsonValue& root) {
  RecordedCase read;
  const std::vector<JsonValue> vector_leg = root.get("vector")->as_array().value();
  for (const JsonValue& hit : vector_leg) {
    const auto pair = hit.as_array().value();
    read.vector_leg.push_back({std::string(pair[0].as_string().value()), pair[1].as_double().value()});
  }
  const std::vector<JsonValue> keyword_leg = root.get("keyword")->as_array().value();
  for (const JsonValue& id : keyword_leg) {
    read.keyword_leg.emplace_back(id.as_string().value());
  }
  read.options.vector_weight = root.double_or("vector_weight", 0.5).value();
  read.options.keyword_weight = root.double_or("keyword_weight", 0.5).value();
  read.options.k = root.get("k")->as_double().value();
  if (root.find("top_k")) read.top_k = static_cast<size_t>(root.integer_or("top_k", 0, 0, 1000).value());
  const std::string_view kind = root.get("kind")->as_string().value();
  read.is_search = kind != "constant" && !kind.ends_with("_inner");
  return read;
}

Result<std::vector<FusedRank>> run(const RecordedCase& input) {
  if (input.is_search) RETURN_IF_ERROR(check_fusion_weights(input.options));
  ASSIGN_OR_RETURN(std::vector<FusedRank> fused, fuse_ranks(input.vector_leg, input.keyword_leg, input.options));
  if (input.top_k && fused.size() > *input.top_k) fused.resize(*input.top_k);
  return fused;
}

void expect_same(const FusedRank& fused, const JsonValue& expected) {
  EXPECT_EQ(matched_via_name(fused.via), expected.get("matched_via")->as_string().value());
  EXPECT_EQ(fused.vector_similarity.has_value(), expected.find("vector_similarity").has_value());
  if (fused.vector_similarity) {
    EXPECT_EQ(*fused.vector_similarity, expected.get("vector_similarity")->as_double().value());
  }
  EXPECT_EQ(fused.keyword_rank.value_or(0),
            static_cast<size_t>(expected.integer_or("keyword_rank", 0, 1, 1000).value()));
}

// The original leaves open which of several ids with one score comes first: those are compared by score alone, and
// ours must stand in the order of their ids.
void expect_recorded(const std::vector<FusedRank>& fused, const std::vector<JsonValue>& expected) {
  ASSERT_EQ(fused.size(), expected.size());
  for (size_t i = 0; i < fused.size(); ++i) {
    EXPECT_DOUBLE_EQ(fused[i].score, expected[i].get("score")->as_double().value());
    const bool tied_before = i > 0 && fused[i - 1].score == fused[i].score;
    const bool tied_behind = i + 1 == fused.size() || fused[i + 1].score == fused[i].score;
    if (tied_before) {
      EXPECT_LT(fused[i - 1].id, fused[i].id);
    }
    const bool same_id = fused[i].id == expected[i].get("id")->as_string().value();
    if (same_id) {
      expect_same(fused[i], expected[i]);
    } else {
      EXPECT_TRUE(tied_before || tied_behind) << i;
    }
  }
}

TEST(RankFusion, C004_19_RecordedAnswers) {
  const auto cases = read_recorded("tests/claims/data/rrf.jsonl");
  ASSERT_EQ(cases.size(), 100U);
  for (const JsonDocument& document : cases) {
    const JsonValue root = document.root();
    SCOPED_TRACE(root.to_text());
    const RecordedCase input = read_case(root);
    const JsonValue output = root.get("output").value();
    const auto fused = run(input);
    ASSERT_EQ(fused.has_value(), !output.find("error").has_value());
    if (!fused) continue;
    expect_recorded(*fused, output.get("results")->as_array().value());
    if (output.find("leg_limit")) {
      EXPECT_EQ(fusion_leg_limit(*input.top_k),
                static_cast<size_t>(output.integer_or("leg_limit", 0, 0, 1000).value()));
    }
  }
}

TEST(RankFusion, EqualScoresAreOrderedById) {
  const auto fused =
      fuse_ranks(std::vector<RankedVector>{{"b", 0.9}, {"d", 0.8}}, std::vector<std::string>{"a", "c"}, {});
  ASSERT_TRUE(fused);
  std::vector<std::string> ids;
  for (const FusedRank& rank : *fused) ids.push_back(rank.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"a", "b", "c", "d"}));
}

}  // namespace
}  // namespace vivace
