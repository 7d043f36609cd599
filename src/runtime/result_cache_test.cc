#include "runtime/result_cache.h"

#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

std::shared_ptr<const int> number(int n) {
  return std::make_shared<const int>(n);
}

TEST(ResultCache, FindsWhatWasInsertedAndCounts) {
  ResultCache<int> cache(10000);
  EXPECT_EQ(cache.find("a"), nullptr);
  cache.insert("a", number(1), 4);
  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(*cache.find("a"), 1);
  cache.insert("a", number(2), 4);
  EXPECT_EQ(*cache.find("a"), 2);
  const auto stats = cache.stats();
  EXPECT_EQ(stats.hits, 3U);
  EXPECT_EQ(stats.misses, 1U);
  EXPECT_EQ(stats.entries, 1U);
  EXPECT_EQ(stats.evictions, 0U);
}

TEST(ResultCache, LeastRecentlyUsedGoesFirst) {
  ResultCache<int> cache(3 * 1000);
  for (const char* key : {"a", "b", "c"}) cache.insert(key, number(0), 700);
  ASSERT_NE(cache.find("a"), nullptr);
  cache.insert("d", number(0), 700);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_NE(cache.find("a"), nullptr);
  EXPECT_NE(cache.find("c"), nullptr);
  EXPECT_NE(cache.find("d"), nullptr);
  EXPECT_EQ(cache.stats().evictions, 1U);
}

TEST(ResultCache, TooLargeAnAnswerIsNotKeptAndThrowsNothingOut) {
  ResultCache<int> cache(1000);
  cache.insert("small", number(1), 100);
  cache.insert("large", number(2), 1001);
  EXPECT_EQ(cache.find("large"), nullptr);
  EXPECT_NE(cache.find("small"), nullptr);
  // A new answer that is too large must not leave the old one standing.
  cache.insert("small", number(3), 1001);
  EXPECT_EQ(cache.find("small"), nullptr);
  ResultCache<int> none(0);
  none.insert("", number(1), 0);
  EXPECT_EQ(none.find(""), nullptr);
}

TEST(ResultCache, AnAnswerInUseOutlivesItsEntry) {
  ResultCache<int> cache(1000);
  cache.insert("a", number(7), 500);
  const auto held = cache.find("a");
  cache.insert("b", number(8), 500);
  EXPECT_EQ(cache.find("a"), nullptr);
  EXPECT_EQ(*held, 7);
}

TEST(ResultCache, NeverHoldsMoreThanItsCapacity) {
  ResultCache<std::vector<char>> cache(20000);
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i) {
    const size_t bytes = random() % 3000;
    const std::string key = std::to_string(random() % 100);
    if (random() % 2 == 0) {
      cache.insert(key, std::make_shared<const std::vector<char>>(bytes), bytes);
    } else if (const auto found = cache.find(key)) {
      ASSERT_LT(found->size(), 3000U);
    }
    ASSERT_LE(cache.stats().bytes, 20000U);
  }
  EXPECT_GT(cache.stats().hits, 100U);
  EXPECT_GT(cache.stats().evictions, 100U);
  cache.clear();
  EXPECT_EQ(cache.stats().bytes, 0U);
}

TEST(ResultCache, ThreadsShareIt) {
  ResultCache<int> cache(5000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 2000; ++i) {
        const int n = (i * 7 + t) % 40;
        cache.insert(std::to_string(n), number(n), 4);
        if (const auto found = cache.find(std::to_string(n))) {
          ASSERT_EQ(*found, n);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace vivace
