#include "base/thread_pool.h"

#include <sys/resource.h>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/cpu_topology.h"

namespace vivace {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, EveryPartIsDoneOnceInEachJob) {
  ThreadPool pool(GetParam());
  ASSERT_EQ(pool.threads(), GetParam());
  // A pool wider than the machine waits for the scheduler at each job, so it gets fewer of them.
  const int jobs = GetParam() <= static_cast<int>(std::thread::hardware_concurrency()) ? 100'000 : 5'000;
  struct alignas(64) Calls {
    int count = 0;
  };
  std::vector<Calls> calls(static_cast<size_t>(GetParam()));
  for (int job = 0; job < jobs; ++job) {
    // Not atomic on purpose: run() itself must order one job's writes before the next one's reads.
    pool.run([&](int part) { ++calls[static_cast<size_t>(part)].count; });
    for (const Calls& of_part : calls) ASSERT_EQ(of_part.count, job + 1);
  }
}

TEST_P(ThreadPoolTest, PartsRunOnSeveralThreads) {
  ThreadPool pool(GetParam());
  // Each part waits until all have begun, which only as many threads can bring about.
  std::atomic<int> begun{0};
  pool.run([&](int) {
    begun.fetch_add(1);
    while (begun.load() < GetParam()) std::this_thread::yield();
  });
  EXPECT_EQ(begun.load(), GetParam());
}

// A worker that is stuck before its part does not hold up the job: the caller does the work.
TEST(ThreadPoolStealingTest, ABusyWorkerIsNotWaitedFor) {
  ThreadPool pool(3);
  std::atomic<int> parts_of_caller{0};
  const auto caller = std::this_thread::get_id();
  // Asleep after this pause, the workers need tens of microseconds to wake, and the caller needs none to take a part;
  // but on a busy machine it may itself be without a core for a long time.
  for (int i = 0; i < 2000 && parts_of_caller.load() < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    parts_of_caller = 0;
    pool.run([&](int) { parts_of_caller += std::this_thread::get_id() == caller ? 1 : 0; });
  }
  EXPECT_GE(parts_of_caller.load(), 2);
}

TEST_P(ThreadPoolTest, ConcurrentCallersQueueUp) {
  ThreadPool pool(GetParam());
  std::atomic<int> running{0};
  std::atomic<int> done{0};
  const auto call = [&] {
    for (int job = 0; job < 200; ++job) {
      pool.run([&](int part) {
        if (part == 0) {
          // One job at a time: no other caller is inside its own.
          if (GetParam() > 1) {
            EXPECT_EQ(running.fetch_add(1), 0);
            running.fetch_sub(1);
          }
        }
        done.fetch_add(1);
      });
    }
  };
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) callers.emplace_back(call);
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(done.load(), 4 * 200 * GetParam());
}

TEST_P(ThreadPoolTest, StopsWithoutAJob) {
  for (int i = 0; i < 20; ++i) ThreadPool pool(GetParam());
}

TEST_P(ThreadPoolTest, StopsWhileSpinningAndWhileAsleep) {
  for (const auto pause : {std::chrono::milliseconds(0), std::chrono::milliseconds(5)}) {
    for (int i = 0; i < 10; ++i) {
      auto pool = std::make_unique<ThreadPool>(GetParam());
      std::atomic<int> calls{0};
      pool->run([&](int) { calls.fetch_add(1); });
      std::this_thread::sleep_for(pause);
      pool.reset();
      EXPECT_EQ(calls.load(), GetParam());
    }
  }
}

TEST_P(ThreadPoolTest, WakesAfterASleep) {
  ThreadPool pool(GetParam());
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> calls{0};
    pool.run([&](int) { calls.fetch_add(1); });
    ASSERT_EQ(calls.load(), GetParam());
  }
}

TEST_P(ThreadPoolTest, ReservedItServesItsOwnerAlone) {
  ThreadPool pool(GetParam());
  std::atomic<int> calls{0};
  std::atomic<bool> others_ran{false};
  auto reservation = pool.try_reserve();
  ASSERT_TRUE(reservation);
  std::promise<void> tried;
  std::thread other([&] {
    EXPECT_FALSE(pool.try_reserve());
    pool.wake();  // nothing happens: the pool is taken
    tried.set_value();
    pool.run([&](int) { others_ran = true; });
  });
  tried.get_future().wait();
  for (int i = 0; i < 50; ++i) {
    pool.run([&](int) { calls.fetch_add(1); });
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(calls.load(), 50 * GetParam());
  EXPECT_FALSE(others_ran && GetParam() > 1);  // a pool of one has no workers to share
  reservation.unlock();
  other.join();
  EXPECT_TRUE(others_ran);
}

TEST_P(ThreadPoolTest, AWokenPoolComputesAsBefore) {
  ThreadPool pool(GetParam());
  for (int i = 0; i < 200; ++i) {
    pool.wake();
    if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
    std::atomic<int> calls{0};
    pool.run([&](int) { calls.fetch_add(1); });
    ASSERT_EQ(calls.load(), GetParam());
  }
}

TEST(ThreadPoolPlaceTest, WorkersStayOnTheirCpus) {
  const std::vector<int> last = {read_cpu_limits().allowed_cpus.back()};
  ThreadPool pool(3, last);
  EXPECT_EQ(pool.cpus(), last);
  std::atomic<int> elsewhere{0};
  std::atomic<int> by_workers{0};
  const auto caller = std::this_thread::get_id();
  for (int i = 0; i < 1000 && by_workers < 10; ++i) {
    pool.run([&](int) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      if (std::this_thread::get_id() == caller) return;
      ++by_workers;
      if (read_cpu_limits().allowed_cpus != last) ++elsewhere;
    });
  }
  EXPECT_GE(by_workers, 10);
  EXPECT_EQ(elsewhere, 0);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST_P(ThreadPoolTest, AnIdlePoolSleeps) {
  ThreadPool pool(GetParam());
  pool.run([](int) {});
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  // A single thread that spun all the time would use 0.2 s on a free machine. The workers spin for some microseconds.
  EXPECT_LT(cpu_seconds() - before, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 4),
                         [](const auto& param) { return std::to_string(param.param); });

}  // namespace
}  // namespace vivace
