// What is particular to the SQLite store: its file.
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"
#include "store/store_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;

constexpr uint64_t kRows = 2000;
constexpr uint64_t kBatchRows = 20;
constexpr char kSource[] = "corpus";

// Stores what is missing of the corpus, and says so with a byte after each batch.
void ingest(const std::string& path, int progress) {
  auto store = open_sqlite_store(path);
  CHECK(store);
  uint64_t row = (*store)->checkpoint(kDefaultTenant, kSource).value().position;
  while (row < kRows) {
    EvidenceBatch batch = evidence_batch(kDefaultTenant, {});
    for (const uint64_t end = row + kBatchRows; row < end; ++row) {
      const auto x = static_cast<float>(row);
      batch.items.push_back(evidence_input("row" + std::to_string(row), "text " + std::to_string(row), {x, 1}));
    }
    batch.checkpoint = {.source = kSource, .position = row, .model_name = batch.model_name};
    CHECK((*store)->put_evidence(batch));
    CHECK(write(progress, ".", 1) == 1);
  }
}

// Runs ingest() in another process and kills it after some batches, wherever it is then.
void ingest_and_kill(const std::string& path, int batches) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ingest(path, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  char byte = 0;
  for (int i = 0; i < batches && read(ends[0], &byte, 1) == 1; ++i) continue;
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  close(ends[0]);
}

TEST(SqliteStore, C004_19_NothingLostOrDoubledByKills) {
  const TemporaryFolder folder;
  const std::string path = folder.file("store.db");
  uint64_t last = 0;
  for (const int batches : {0, 1, 3, 7, 13, 20}) {
    ingest_and_kill(path, batches);
    auto store = open_sqlite_store(path);
    ASSERT_TRUE(store) << store.error().message;
    const uint64_t position = (*store)->checkpoint(kDefaultTenant, kSource).value().position;
    EXPECT_EQ((*store)->count_evidence(kDefaultTenant).value(), position);
    EXPECT_GE(position, last + static_cast<uint64_t>(batches) * kBatchRows);
    last = position;
  }
  const int null = fileno(std::tmpfile());
  ingest(path, null);
  auto store = open_sqlite_store(path).value();
  EXPECT_EQ(store->count_evidence(kDefaultTenant).value(), kRows);
  VectorQuery query;
  query.vector = {0, 1};
  query.limit = 1000;
  EXPECT_EQ(store->search_vectors(query).value().size(), 1000U);
  KeywordQuery words;
  words.text = "text";
  words.limit = 1000;
  EXPECT_EQ(store->search_keywords(words).value().size(), 1000U);
  EXPECT_EQ(SqliteDatabase::open(path)->number("SELECT count(*) FROM embedding").value(), int64_t{kRows});
  EXPECT_TRUE(
      SqliteDatabase::open(path)->execute("INSERT INTO evidence_text (evidence_text) VALUES ('integrity-check')"));
}

TEST(SqliteStore, WhoReadsDoesNotWaitForWhoWaitsToWrite) {
  const TemporaryFolder folder;
  const std::string path = folder.file("store.db");
  auto store = open_sqlite_store(path).value();
  ASSERT_TRUE(store->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("a", "x", {1, 0})})));
  SqliteDatabase other = SqliteDatabase::open(path).value();
  ASSERT_TRUE(other.execute("BEGIN IMMEDIATE"));
  EXPECT_FALSE(store->take_task("me", 30).value()) << "there is none: no need to write";

  std::atomic<bool> ended = false;
  std::atomic<int> reads = 0;
  std::thread reader([&] {
    while (!ended) {
      EXPECT_EQ(store->count_evidence(kDefaultTenant).value(), 1U);
      ++reads;
    }
  });
  while (reads == 0) std::this_thread::yield();
  const int before = reads;
  const auto refused = store->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("b", "x", {1, 0})}));
  const int meanwhile = reads - before;
  ended = true;
  reader.join();
  EXPECT_EQ(refused.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("another process"));
  EXPECT_GT(meanwhile, 2) << "a read that waits for the write would be the only one";
  ASSERT_TRUE(other.execute("ROLLBACK"));
  EXPECT_TRUE(store->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("b", "x", {1, 0})})));
}

TEST(SqliteStore, ForeignFilesAreRefused) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
  EXPECT_EQ(open_sqlite_store(folder.file("text.db")).error().code, StatusCode::kInvalidArgument);
  ASSERT_TRUE(SqliteDatabase::open(folder.file("other.db"))->execute("CREATE TABLE t (x)"));
  EXPECT_THAT(open_sqlite_store(folder.file("other.db")).error().message, HasSubstr("another program"));
  EXPECT_EQ(open_sqlite_store(folder.file("no/folder/x.db")).error().code, StatusCode::kInvalidArgument);
}

TEST(SqliteStore, WhatCannotBeWrittenNowIsNotTheCallersFault) {
  const TemporaryFolder folder;
  auto database = SqliteDatabase::open(folder.file("store.db"));
  ASSERT_TRUE(database->execute("CREATE TABLE t (x); PRAGMA query_only = 1"));
  EXPECT_EQ(database->execute("INSERT INTO t VALUES (1)").error().code, StatusCode::kUnavailable);
}

TEST(SqliteStore, NewerVersionsAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.file("store.db");
  ASSERT_TRUE(open_sqlite_store(path));
  ASSERT_TRUE(SqliteDatabase::open(path)->execute("PRAGMA user_version = 1000"));
  EXPECT_EQ(open_sqlite_store(path).error().code, StatusCode::kUnsupported);
}

TEST(SqliteStore, DamagedVectorsAreReported) {
  const TemporaryFolder folder;
  const std::string path = folder.file("store.db");
  auto store = open_sqlite_store(path).value();
  ASSERT_TRUE(store->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("a", "x", {1, 0})})));
  ASSERT_TRUE(SqliteDatabase::open(path)->execute("UPDATE embedding SET vector = x'0102'"));
  VectorQuery query;
  query.vector = {1, 0};
  EXPECT_EQ(store->search_vectors(query).error().code, StatusCode::kCorruptFile);
}

TEST(SqliteStore, DamagedFilesDoNotCrash) {
  const TemporaryFolder folder;
  const std::string path = folder.file("store.db");
  {
    auto store = open_sqlite_store(path).value();
    EvidenceBatch batch = evidence_batch(kDefaultTenant, {});
    for (int i = 0; i < 200; ++i) batch.items.push_back(evidence_input(std::to_string(i), "text", {1, 0}));
    ASSERT_TRUE(store->put_evidence(batch));
  }
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  for (size_t at = 0; at < bytes.size(); at += 997) {
    std::string damaged = bytes;
    damaged.replace(at, std::min<size_t>(64, damaged.size() - at), std::min<size_t>(64, damaged.size() - at), '\xA5');
    std::ofstream(folder.file("damaged.db"), std::ios::binary) << damaged;
    auto store = open_sqlite_store(folder.file("damaged.db"));
    if (!store) continue;
    VectorQuery query;
    query.vector = {1, 0};
    KeywordQuery words;
    words.text = "text";
    // Whatever is left may be found; that it comes back without harm is what counts.
    static_cast<void>((*store)->search_vectors(query));
    static_cast<void>((*store)->search_keywords(words));
    static_cast<void>((*store)->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("n", "x", {1, 0})})));
  }
}

}  // namespace
}  // namespace vivace
