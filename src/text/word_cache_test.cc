#include "text/word_cache.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

WordCache::Key key_of(const std::string& word) {
  return WordCache::Keys(word).at(0, word.size());
}

// Tokens that follow from the word, so that a wrong answer is seen.
std::vector<int32_t> ids_of(const std::string& word) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < 1 + word.size() % WordCache::kMaxTokens; ++i) {
    ids.push_back(static_cast<int32_t>(std::hash<std::string>()(word + std::to_string(i)) & 0x7FFFFFFFU));
  }
  return ids;
}

void store(const std::string& word, WordCache* cache) {
  const std::vector<int32_t> ids = ids_of(word);
  const int32_t end = static_cast<int32_t>(word.size());
  cache->store(key_of(word), static_cast<uint32_t>(word.size()), ids, std::vector<TokenOffset>(ids.size(), {1, end}));
}

// Whether the cache knows the word; if it does, all of the entry must be right.
bool is_found(const std::string& word, const WordCache& cache) {
  WordCache::Entry entry;
  if (!cache.find(key_of(word), &entry)) return false;
  const std::vector<int32_t> ids = ids_of(word);
  std::vector<int32_t> copied(WordCache::kMaxTokens);
  const size_t count = cache.copy_ids(key_of(word), copied.data());
  if (count == WordCache::kUnknown) return false;  // another thread's word took its place meanwhile
  copied.resize(count);
  EXPECT_EQ(copied, ids) << word;
  EXPECT_EQ(entry.code_points, word.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(entry.id(i), ids[i]);
    EXPECT_EQ(entry.offset(i), (TokenOffset{1, static_cast<int32_t>(word.size())}));
  }
  return true;
}

TEST(WordCache, FindsWhatWasStored) {
  WordCache cache;
  for (const std::string word : {"a", " word", "exactly 24 bytes of text", "12345678", "1234567\xC3\xA9"}) {
    EXPECT_FALSE(is_found(word, cache));
    store(word, &cache);
    EXPECT_TRUE(is_found(word, cache));
  }
  EXPECT_FALSE(is_found("b", cache));
  EXPECT_FALSE(is_found(" wor", cache));
  const std::vector<int32_t> too_many(WordCache::kMaxTokens + 1);
  cache.store(key_of("many"), 4, too_many, std::vector<TokenOffset>(too_many.size()));
  EXPECT_FALSE(is_found("many", cache));
}

// A word is compared the same whether the text goes on behind it or not.
TEST(WordCache, ReadsKeysInsideOfTexts) {
  WordCache cache;
  store("inside", &cache);
  const std::string text = "x inside of a text that goes on for long enough";
  WordCache::Entry entry;
  EXPECT_TRUE(cache.find(WordCache::Keys(text).at(2, 6), &entry));
  EXPECT_FALSE(cache.find(WordCache::Keys(text).at(2, 7), &entry));
  // Near the end of a text, and in one that is shorter than what is read for a key.
  for (const std::string end :
       {"a text of more than 24 bytes: inside", "..................inside", "x inside", "inside"}) {
    EXPECT_TRUE(cache.find(WordCache::Keys(end).at(end.size() - 6, 6), &entry)) << end;
    EXPECT_FALSE(cache.find(WordCache::Keys(end).at(end.size() - 5, 5), &entry)) << end;
  }
}

// Words that take each other's places would be split again at every turn: with a quarter of the table in use hardly any
// may, though every word has its set.
TEST(WordCache, WordsOfATextStay) {
  constexpr int kCount = (1 << 14) / 4;
  WordCache cache;
  for (int i = 0; i < kCount; ++i) store(" word" + std::to_string(i), &cache);
  int found = 0;
  for (int i = 0; i < kCount; ++i) found += is_found(" word" + std::to_string(i), cache) ? 1 : 0;
  EXPECT_GT(found, kCount * 99 / 100);
}

TEST(WordCache, NewWordsTakeThePlaceOfOldOnes) {
  constexpr int kCount = 60000;
  WordCache cache;
  for (int i = 0; i < kCount; ++i) store("word " + std::to_string(i), &cache);
  int found = 0;
  for (int i = 0; i < kCount; ++i) found += is_found("word " + std::to_string(i), cache) ? 1 : 0;
  EXPECT_GT(found, 8000);
  EXPECT_LE(found, 1 << 14);
}

TEST(WordCache, ThreadsNeverSeeHalfOfAWord) {
  WordCache cache;
  const auto work = [&cache](int seed) {
    for (int i = 0; i < 20000; ++i) {
      const std::string word = "w" + std::to_string((i * seed) % 5000 * 7919 % 40000);
      if (!is_found(word, cache)) store(word, &cache);
    }
  };
  std::vector<std::thread> threads;
  for (const int seed : {1, 3, 7, 11}) threads.emplace_back(work, seed);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace vivace
