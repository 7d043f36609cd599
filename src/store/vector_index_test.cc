// C004_19: exact search finds what a plain loop finds, on every kernel table.
#include "store/vector_index.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "kernels/registry.h"

namespace vivace {
namespace {

constexpr size_t kDimensions = 24;

std::vector<float> random_vector(std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(kDimensions);
  for (float& value : vector) value = normal(random);
  return vector;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

class VectorIndexTest : public testing::TestWithParam<KernelTableEntry> {};

TEST_P(VectorIndexTest, C004_19_EqualsBruteForce) {
  if (!GetParam().supported()) GTEST_SKIP() << "this CPU lacks " << GetParam().required_features;
  std::mt19937 random(7);
  VectorIndex index(*GetParam().table, kDimensions);
  std::vector<std::vector<float>> vectors;
  for (size_t i = 0; i < 2500; ++i) {  // more than two blocks
    vectors.push_back(random_vector(random));
    index.put(std::to_string(i), i % 3 == 0 ? "third" : "rest", vectors.back());
  }
  for (size_t i = 0; i < vectors.size(); i += 10) {
    vectors[i] = random_vector(random);
    index.put(std::to_string(i), i % 3 == 0 ? "third" : "rest", vectors[i]);
  }
  EXPECT_EQ(index.size(), vectors.size());
  for (int round = 0; round < 20; ++round) {
    const std::vector<float> query = random_vector(random);
    std::vector<std::pair<double, size_t>> expected;
    for (size_t i = 0; i < vectors.size(); i += round % 2 == 0 ? 1 : 3)
      expected.emplace_back(-cosine(query, vectors[i]), i);
    std::ranges::sort(expected);
    VectorIndexQuery asked{.vector = query, .limit = 25, .min_similarity = -1, .group = {}};
    if (round % 2 == 1) asked.group = "third";
    const std::vector<VectorHit> hits = index.search(asked);
    ASSERT_EQ(hits.size(), 25U);
    for (size_t i = 0; i < hits.size(); ++i) {
      EXPECT_EQ(hits[i].id, std::to_string(expected[i].second));
      EXPECT_NEAR(hits[i].similarity, -expected[i].first, 1e-5);
    }
  }
}

TEST_P(VectorIndexTest, EdgesOfTheLimit) {
  if (!GetParam().supported()) GTEST_SKIP() << "this CPU lacks " << GetParam().required_features;
  VectorIndex index(*GetParam().table, 1);
  const std::vector<float> one = {1};
  EXPECT_TRUE(index.search({.vector = one, .limit = 5, .min_similarity = -1, .group = {}}).empty());
  for (const char* id : {"c", "a", "b"}) index.put(id, "", one);
  EXPECT_TRUE(index.search({.vector = one, .limit = 0, .min_similarity = -1, .group = {}}).empty());
  const auto hits = index.search({.vector = one, .limit = 2, .min_similarity = 1, .group = {}});
  ASSERT_EQ(hits.size(), 2U);
  EXPECT_EQ(hits[0].id, "a");
  EXPECT_EQ(hits[1].id, "b");
}

// Rows around a hundred centres. VIVACE_GRAPH_ROWS=200000 for the size that the graph is made for.
TEST(VectorGraph, C004_19_RecallAgainstBruteForce) {
  const char* asked = std::getenv("VIVACE_GRAPH_ROWS");
  const size_t rows = asked == nullptr ? 4000 : std::stoul(asked);
  const size_t dimensions = asked == nullptr ? 32 : 384;
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> centres(100, std::vector<float>(dimensions));
  for (auto& centre : centres) {
    for (float& value : centre) value = normal(random);
  }
  auto clustered = [&] {
    std::vector<float> vector = centres[random() % centres.size()];
    for (float& value : vector) value += 0.5F * normal(random);
    return vector;
  };
  const KernelTable& kernels = *select_kernel_table("").value();
  VectorIndex exact(kernels, dimensions, SIZE_MAX);
  VectorIndex graph(kernels, dimensions, rows / 2);
  for (size_t i = 0; i < rows; ++i) {
    const std::vector<float> vector = clustered();
    exact.put(std::to_string(i), "", vector);
    // The last rows come when the graph is there already.
    if (i == rows * 3 / 4) {
      for (int search = 0; search < 16; ++search) {
        static_cast<void>(graph.search({.vector = vector, .limit = 1, .min_similarity = -1, .group = {}}));
      }
      ASSERT_TRUE(graph.wants_graph());
      while (graph.extend_graph(100)) continue;
      EXPECT_FALSE(graph.wants_graph());
    }
    graph.put(std::to_string(i), "", vector);
  }
  // Rows that move are found where they are now.
  for (size_t i = 0; i < 20; ++i) {
    const std::vector<float> vector = clustered();
    exact.put(std::to_string(i), "", vector);
    graph.put(std::to_string(i), "", vector);
  }
  constexpr size_t kQueries = 100;
  size_t found = 0;
  for (size_t i = 0; i < kQueries; ++i) {
    const std::vector<float> query = clustered();
    const VectorIndexQuery top{.vector = query, .limit = 10, .min_similarity = -1, .group = {}};
    std::set<std::string> expected;
    for (const VectorHit& hit : exact.search(top)) expected.insert(hit.id);
    const std::vector<VectorHit> hits = graph.search(top);
    ASSERT_EQ(hits.size(), 10U);
    EXPECT_TRUE(std::ranges::is_sorted(hits, std::greater(), &VectorHit::similarity));
    for (const VectorHit& hit : hits) found += expected.count(hit.id);
  }
  EXPECT_GE(static_cast<double>(found) / (10 * kQueries), 0.98);
}

// Rows of unit length around one that is nearer to each of them than they are to each other: hnswlib links them to that
// one only, and it has no room for links to all of them.
std::vector<std::vector<float>> rows_around_centres(size_t count, size_t values) {
  constexpr size_t kCentres = 4;
  std::mt19937 random(13);
  std::normal_distribution<float> normal(0, 0.5F / std::sqrt(static_cast<float>(values)));
  std::vector<std::vector<float>> rows;
  for (size_t row = 0; row < count; ++row) {
    std::vector<float> vector(values);
    vector[row % kCentres] = 1;
    if (row >= kCentres) {
      for (float& value : vector) value += normal(random);
    }
    const float length = std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0F));
    for (float& value : vector) value /= length;
    rows.push_back(std::move(vector));
  }
  return rows;
}

TEST(VectorGraph, C004_19_LeadsToRowsAroundOne) {
  constexpr size_t kRows = 2000;
  constexpr size_t kValues = 128;
  const std::vector<std::vector<float>> rows = rows_around_centres(kRows, kValues);
  VectorGraph graph(*select_kernel_table("").value(), kValues);
  graph.reserve(kRows);
  graph.set_candidates(128);
  for (size_t row = 0; row < kRows; ++row) graph.put(row, rows[row].data());
  const auto missed = [&] {
    size_t count = 0;
    for (size_t row = 0; row < kRows; ++row) {
      if (graph.find(rows[row].data(), 1) != std::vector<size_t>{row}) ++count;
    }
    return count;
  };
  const size_t before = missed();
  for (size_t row = 0; row < kRows; ++row) graph.connect(row);
  EXPECT_LE(missed(), kRows / 100) << "before: " << before;
  EXPECT_GE(before, kRows / 10) << "rows that need no connect() show nothing";
}

// Without links to all rows the index would look everywhere instead, and be slow, or miss rows.
TEST(VectorGraph, C004_19_IsUsedForRowsAroundOne) {
  constexpr size_t kRows = 2000;
  constexpr size_t kValues = 128;
  const std::vector<std::vector<float>> rows = rows_around_centres(kRows, kValues);
  VectorIndex index(*select_kernel_table("").value(), kValues, kRows / 2);
  for (size_t row = 0; row < kRows; ++row) index.put(std::to_string(row), "", rows[row]);
  const auto finds = [&](size_t row) {
    const auto hits = index.search({.vector = rows[row], .limit = 1, .min_similarity = -1, .group = {}});
    return hits.front().id == std::to_string(row);
  };
  for (size_t row = 0; row < 16; ++row) EXPECT_TRUE(finds(kRows - 1 - row));
  ASSERT_TRUE(index.wants_graph());
  EXPECT_FALSE(index.uses_graph());
  while (index.extend_graph(100)) continue;
  ASSERT_TRUE(index.uses_graph());
  size_t missed = 0;
  for (size_t row = 0; row < kRows; ++row) {
    if (!finds(row)) ++missed;
  }
  EXPECT_LE(missed, kRows / 100);
}

// Rows and searches in all directions alike: no graph finds its way among them with few candidates.
TEST(VectorGraph, C004_19_IsNotUsedWhereItMissesTheNearest) {
  constexpr size_t kRows = 6000;
  constexpr size_t kValues = 384;
  std::mt19937 random(12);
  std::normal_distribution<float> normal;
  const auto anywhere = [&] {
    std::vector<float> vector(kValues);
    for (float& value : vector) value = normal(random);
    return vector;
  };
  const KernelTable& kernels = *select_kernel_table("").value();
  VectorIndex exact(kernels, kValues, SIZE_MAX);
  VectorIndex graph(kernels, kValues, kRows / 2);
  for (size_t i = 0; i < kRows; ++i) {
    const std::vector<float> vector = anywhere();
    exact.put(std::to_string(i), "", vector);
    graph.put(std::to_string(i), "", vector);
  }
  const auto ids = [](const VectorIndex& index, const std::vector<float>& query) {
    std::vector<std::string> found;
    for (const VectorHit& hit : index.search({.vector = query, .limit = 10, .min_similarity = -1, .group = {}}))
      found.push_back(hit.id);
    return found;
  };
  for (int search = 0; search < 16; ++search) ids(graph, anywhere());
  ASSERT_TRUE(graph.wants_graph());
  while (graph.extend_graph(100)) continue;
  EXPECT_FALSE(graph.wants_graph());
  EXPECT_FALSE(graph.uses_graph());
  for (int search = 0; search < 50; ++search) {
    const std::vector<float> query = anywhere();
    EXPECT_EQ(ids(graph, query), ids(exact, query));
  }
  const std::vector<float> late = anywhere();
  graph.put("late", "", late);
  EXPECT_EQ(ids(graph, late).front(), "late");
}

INSTANTIATE_TEST_SUITE_P(Tables, VectorIndexTest, testing::ValuesIn(kernel_tables().begin(), kernel_tables().end()),
                         [](const auto& entry) { return std::string(entry.param.table->name); });

}  // namespace
}  // namespace vivace
