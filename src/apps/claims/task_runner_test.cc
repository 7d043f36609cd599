#include "apps/claims/task_runner.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "apps/claims/uuid.h"

namespace vivace {
namespace {

// However long its work takes: with several workers a task would be begun again by the other one when its lease is
// over.
TEST(TaskRunner, KeepsATaskForLongerThanALease) {
  const std::string path = testing::TempDir() + "/" + random_uuid() + ".db";
  {
    const auto store = open_evidence_store(path);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    TaskRecord task;
    task.id = random_uuid();
    task.claim_id = random_uuid();
    task.request = "{}";
    ASSERT_TRUE((*store)->add_task(task).has_value());
    std::atomic<int> begun = 0;
    const auto work = [&](const TaskRecord&, const auto&, const std::stop_token&) -> Result<std::string> {
      ++begun;
      std::this_thread::sleep_for(std::chrono::milliseconds(3500));
      return "done";
    };
    TaskOptions options;
    options.lease_seconds = 1.5;
    options.poll_seconds = 0.05;
    TaskRunner runner(**store, options, work);
    while (begun < 2 && (*store)->task(task.tenant, task.id)->status != TaskStatus::kCompleted) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(begun, 1);
    EXPECT_EQ((*store)->task(task.tenant, task.id)->result, "done");
  }
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);
}

}  // namespace
}  // namespace vivace
