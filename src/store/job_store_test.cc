#include "store/job_store.h"

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JobStoreTest : public ::testing::Test {
 protected:
  JobStoreTest() : m_path(::testing::TempDir() + "jobs_" + std::to_string(::getpid()) + ".db") { remove(); }
  ~JobStoreTest() override { remove(); }

  std::unique_ptr<JobStore> open() {
    auto store = JobStore::open(m_path);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  static void add(JobStore& store, const std::string& id, const std::vector<std::string>& texts,
                  const std::string& callback = "") {
    JobRecord job;
    job.id = id;
    job.options = "{}";
    job.callback_url = callback;
    job.created_ms = 1000;
    ASSERT_TRUE(store.add(job, texts));
  }
  const std::string& path() const { return m_path; }

 private:
  void remove() const {
    for (const char* ending : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(m_path + ending);
  }
  std::string m_path;
};

std::vector<uint64_t> positions(const std::vector<JobItem>& items) {
  std::vector<uint64_t> found;
  for (const JobItem& item : items) found.push_back(item.position);
  return found;
}

TEST_F(JobStoreTest, JobGoesOnWhereItWasAfterReopening) {
  {
    const auto store = open();
    add(*store, "a", {"one", "two", "three"});
    EXPECT_EQ(store->take_turn().value()->id, "a");
    ASSERT_TRUE(store->put_results("a", {.results = {{0, "[1]"}, {1, "[2]"}}, .compute_ms = 2.5, .worker = "m"}));
  }
  const auto store = open();
  const JobRecord job = store->find("a").value();
  EXPECT_EQ(job.status, JobStatus::kProcessing);
  EXPECT_EQ(job.done, 2U);
  EXPECT_EQ(job.total, 3U);
  EXPECT_EQ(job.compute_ms, 2.5);
  EXPECT_EQ(job.worker, "m");
  EXPECT_THAT(positions(store->open_items("a", 10).value()), ElementsAre(2U));
  // A result that comes twice counts once.
  ASSERT_TRUE(store->put_results("a", {.results = {{1, "[9]"}, {2, "[3]"}}, .compute_ms = 1, .worker = "m"}));
  EXPECT_EQ(store->find("a")->done, 3U);
  EXPECT_THAT(store->results("a").value(), ElementsAre("[1]", "[2]", "[3]"));
}

TEST_F(JobStoreTest, CachedTextsAreCountedFromTheSecondVersionOn) {
  {
    const auto store = open();
    add(*store, "a", {"one", "two", "three", "four"});
    ASSERT_TRUE(store->put_results("a", {.results = {{0, "[1]"}}, .compute_ms = 1, .worker = "m"}));
  }
  {
    // As the first version left it.
    ASSERT_TRUE(SqliteDatabase::open(path())->execute("ALTER TABLE job DROP COLUMN cached; PRAGMA user_version = 1;"));
  }
  const auto store = open();
  EXPECT_EQ(store->find("a")->done, 1U);
  EXPECT_EQ(store->find("a")->cached, 0U);
  ASSERT_TRUE(store->put_results("a", {.results = {{1, "[2]"}}, .cached = 1, .compute_ms = 1, .worker = "m"}));
  ASSERT_TRUE(
      store->put_results("a", {.results = {{2, "[3]"}, {3, "[4]"}}, .cached = 2, .compute_ms = 1, .worker = "m"}));
  EXPECT_EQ(store->find("a")->done, 4U);
  EXPECT_EQ(store->find("a")->cached, 3U);
}

TEST_F(JobStoreTest, JobsTakeTurns) {
  const auto store = open();
  add(*store, "a", {"x"});
  add(*store, "b", {"x"});
  EXPECT_EQ(store->take_turn().value()->id, "a");
  EXPECT_EQ(store->take_turn().value()->id, "b");
  EXPECT_EQ(store->take_turn().value()->id, "a");
  EXPECT_TRUE(store->finish("a", JobStatus::kCancelled, "", 5).value());
  EXPECT_EQ(store->count_unfinished().value(), 1U);
  EXPECT_EQ(store->take_turn().value()->id, "b");
  EXPECT_TRUE(store->finish("b", JobStatus::kComplete, "", 6).value());
  EXPECT_FALSE(store->take_turn().value().has_value());
  EXPECT_EQ(store->count_unfinished().value(), 0U);
}

TEST_F(JobStoreTest, EndedJobStaysAsItEnded) {
  const auto store = open();
  add(*store, "a", {"x"});
  EXPECT_TRUE(store->finish("a", JobStatus::kCancelled, "", 5).value());
  EXPECT_FALSE(store->finish("a", JobStatus::kComplete, "", 6).value());
  ASSERT_TRUE(store->put_results("a", {.results = {{0, "[1]"}}, .compute_ms = 0, .worker = ""}));
  EXPECT_EQ(store->find("a")->done, 0U);
  EXPECT_EQ(store->find("a")->status, JobStatus::kCancelled);
  EXPECT_EQ(store->find("nobody").error().message, "Job nobody not found");
}

TEST_F(JobStoreTest, EndedJobsAreRemovedWithTheirTextsUnlessACallIsDue) {
  const auto store = open();
  add(*store, "a", {"x"});
  add(*store, "b", {"x"}, "http://localhost/done");
  add(*store, "c", {"x"});
  ASSERT_TRUE(store->finish("a", JobStatus::kComplete, "", 50));
  ASSERT_TRUE(store->finish("b", JobStatus::kFailed, "why", 50));
  EXPECT_EQ(store->remove_ended(50).value(), 0U);
  EXPECT_EQ(store->remove_ended(51).value(), 1U);
  EXPECT_THAT(store->items("a").value(), IsEmpty());
  EXPECT_EQ(store->due_callback(49).value().has_value(), false);
  EXPECT_EQ(store->due_callback(50).value()->job_id, "b");
  ASSERT_TRUE(store->retry_callback("b", 70));
  EXPECT_FALSE(store->due_callback(69).value().has_value());
  EXPECT_EQ(store->due_callback(70).value()->tries, 1);
  ASSERT_TRUE(store->end_callback("b"));
  EXPECT_EQ(store->remove_ended(51).value(), 1U);
  EXPECT_EQ(store->newest(10)->size(), 1U);
}

TEST_F(JobStoreTest, OneProcessHoldsTheFile) {
  const auto store = open();
  const auto second = JobStore::open(path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr("held by another process"));
}

TEST_F(JobStoreTest, OtherFilesAreLeftAlone) {
  {
    ASSERT_TRUE(SqliteDatabase::open(path())->execute("CREATE TABLE theirs (x)"));
  }
  const auto store = JobStore::open(path());
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("database of another program"));
}

TEST_F(JobStoreTest, ManyThreads) {
  const auto store = open();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&store, i] {
      for (int j = 0; j < 10; ++j) add(*store, std::to_string(i) + "-" + std::to_string(j), {"x", "y"});
    });
  }
  threads.clear();
  EXPECT_EQ(store->count_unfinished().value(), 40U);
}

}  // namespace
}  // namespace vivace
