// C002_14: completions are kept, also for what is typed into them.
#include "apps/completion/completion_cache.h"

#include <map>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

CompletionKey key(std::string code, std::string model = "m", std::string strategy = "NONE") {
  return {.strategy = std::move(strategy), .model = std::move(model), .code = std::move(code)};
}

void put(CompletionCache& cache, const CompletionKey& key, std::string text) {
  cache.put(key, {.text = std::move(text), .token_ids = {}});
}

std::string found(CompletionCache& cache, const CompletionKey& asked) {
  const auto hit = cache.find(asked);
  return hit ? hit->text : "(miss)";
}

TEST(CompletionCache, C002_14_KeysHoldStrategyModelAndCode) {
  CompletionCache cache(1 << 20);
  put(cache, key("a"), "one");
  EXPECT_EQ(found(cache, key("a")), "one");
  EXPECT_EQ(found(cache, key("a", "other")), "(miss)");
  EXPECT_EQ(found(cache, key("a", "m", "FEW_SHOT")), "(miss)");
  EXPECT_EQ(found(cache, key("b")), "(miss)");
  put(cache, key("a"), "two");
  EXPECT_EQ(found(cache, key("a")), "two");
  EXPECT_EQ(cache.stats().entries, 1U);
  put(cache, key("", "am"), "empty code");
  EXPECT_EQ(found(cache, key("", "am")), "empty code");
}

TEST(CompletionCache, C002_14_TypingIntoACompletionHits) {
  CompletionCache cache(1 << 20);
  put(cache, key("def a"), "dd(x, y):");
  EXPECT_EQ(found(cache, key("def add(")), "x, y):");
  EXPECT_TRUE(cache.find(key("def add("))->is_remainder);
  EXPECT_FALSE(cache.find(key("def a"))->is_remainder);
  EXPECT_EQ(found(cache, key("def sub(")), "(miss)");
  EXPECT_EQ(found(cache, key("def add(x, y):")), "(miss)");    // nothing is left of it
  EXPECT_EQ(found(cache, key("def add(x, y):\n")), "(miss)");  // beyond it
  EXPECT_EQ(found(cache, key("def ")), "(miss)");              // shorter than the code
  EXPECT_EQ(found(cache, key("def add(", "other")), "(miss)");
  put(cache, key("def ad"), "d_all(");
  EXPECT_EQ(found(cache, key("def add")), "_all(");  // the longer code knows more
  EXPECT_EQ(found(cache, key("def add(")), "x, y):");
}

TEST(CompletionCache, WhatFollowedTheBeginningIsAHint) {
  CompletionCache cache(1 << 20);
  EXPECT_EQ(cache.text_after_beginning(key("def a")), "");
  put(cache, key("def "), "main():");
  put(cache, key("def a"), "dd(x, y):");
  EXPECT_EQ(cache.text_after_beginning(key("def axpy")), "dd(x, y):");
  EXPECT_EQ(cache.text_after_beginning(key("def a")), "dd(x, y):");
  EXPECT_EQ(cache.text_after_beginning(key("def b")), "main():");
  EXPECT_EQ(cache.text_after_beginning(key("def b", "other")), "");
  EXPECT_EQ(cache.text_after_beginning(key("class")), "");
  EXPECT_EQ(cache.stats().misses, 0U);
}

TEST(CompletionCache, C002_14_LeastRecentlyUsedGoesFirst) {
  CompletionCache sized(1 << 20);
  put(sized, key("1"), "x");
  const size_t one = sized.stats().bytes;
  CompletionCache cache(3 * one);
  for (const char* code : {"1", "2", "3"}) put(cache, key(code), "x");
  EXPECT_EQ(found(cache, key("1")), "x");
  put(cache, key("4"), "x");
  EXPECT_EQ(found(cache, key("2")), "(miss)");
  EXPECT_EQ(found(cache, key("1")), "x");
  EXPECT_EQ(cache.stats().evictions, 1U);
  EXPECT_EQ(cache.stats().bytes, 3 * one);
  put(cache, key("5"), std::string(4 * one, 'x'));
  EXPECT_EQ(found(cache, key("5")), "(miss)");
  EXPECT_EQ(cache.stats().entries, 3U);
  cache.clear();
  EXPECT_EQ(cache.stats().bytes, 0U);
  EXPECT_EQ(found(cache, key("1")), "(miss)");
}

// Against a plain map that never forgets.
TEST(CompletionCache, C002_14_AgreesWithAPlainSearch) {
  std::mt19937 random(3);
  auto text = [&random](size_t most) {
    std::string made(random() % (most + 1), 'a');
    for (char& c : made) c = static_cast<char>('a' + random() % 2);
    return made;
  };
  CompletionCache cache(1 << 24);
  std::map<std::string, std::string> plain;
  for (int i = 0; i < 5000; ++i) {
    const std::string code = text(8);
    if (i % 2 == 0) {
      const std::string answer = text(6);
      plain[code] = answer;
      put(cache, key(code), answer);
      continue;
    }
    std::string expected = "(miss)";
    for (size_t length = code.size() + 1; length-- > 0 && expected == "(miss)";) {
      const auto kept = plain.find(code.substr(0, length));
      if (kept == plain.end()) continue;
      const std::string typed = code.substr(length);
      if (typed.empty() || (kept->second.size() > typed.size() && kept->second.starts_with(typed))) {
        expected = kept->second.substr(typed.size());
      }
    }
    ASSERT_EQ(found(cache, key(code)), expected) << code;
  }
}

TEST(CompletionCache, C002_15_ManyThreads) {
  CompletionCache cache(20'000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string code = std::to_string((i * 7 + t) % 100);
        put(cache, key(code), "<" + code + ">");
        const auto hit = cache.find(key(code));
        if (hit) {
          EXPECT_EQ(hit->text, "<" + code + ">");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.stats().bytes, 20'000U);
}

}  // namespace
}  // namespace vivace
