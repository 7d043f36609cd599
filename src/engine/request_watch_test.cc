// Deadlines in any order are told in the order of time, whether the thread was going to wake for them or not.
#include "engine/request_watch.h"

#include <atomic>
#include <future>
#include <stop_token>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

using Clock = RequestWatch::Clock;
using std::chrono::hours;
using std::chrono::milliseconds;

TEST(RequestWatch, AnEarlierDeadlineIsNotMissedBehindALaterOne) {
  RequestWatch watch;
  const auto start = Clock::now();
  std::promise<WatchEvent> first;
  std::promise<WatchEvent> second;
  const uint64_t late = watch.add(start + hours(1), {}, [](WatchEvent) { FAIL() << "an hour too early"; });
  watch.add(start + milliseconds(20), {}, [&](WatchEvent event) { second.set_value(event); });
  watch.add(start + milliseconds(5), {}, [&](WatchEvent event) { first.set_value(event); });
  EXPECT_EQ(first.get_future().get(), WatchEvent::kDeadline);
  EXPECT_GE(Clock::now(), start + milliseconds(5));
  EXPECT_EQ(second.get_future().get(), WatchEvent::kDeadline);
  EXPECT_GE(Clock::now(), start + milliseconds(20));
  watch.forget(late);
}

TEST(RequestWatch, DeadlinesAfterForgottenOnesAreKept) {
  RequestWatch watch;
  const auto start = Clock::now();
  // The thread goes on sleeping until the forgotten one's time: the next is later still.
  watch.forget(watch.add(start + milliseconds(5), {}, [](WatchEvent) { FAIL() << "it was forgotten"; }));
  std::promise<WatchEvent> told;
  watch.add(start + milliseconds(15), {}, [&](WatchEvent event) { told.set_value(event); });
  EXPECT_EQ(told.get_future().get(), WatchEvent::kDeadline);
}

TEST(RequestWatch, CancellationDoesNotWaitForTheDeadline) {
  RequestWatch watch;
  std::stop_source stop;
  std::promise<WatchEvent> told;
  watch.add(Clock::now() + hours(1), stop.get_token(), [&](WatchEvent event) { told.set_value(event); });
  stop.request_stop();
  EXPECT_EQ(told.get_future().get(), WatchEvent::kCancelled);
  std::promise<WatchEvent> at_once;
  watch.add(std::nullopt, stop.get_token(), [&](WatchEvent event) { at_once.set_value(event); });
  EXPECT_EQ(at_once.get_future().get(), WatchEvent::kCancelled);
}

TEST(RequestWatch, ManyThreadsAddAndForget) {
  RequestWatch watch;
  std::atomic<int> told{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const auto deadline = Clock::now() + std::chrono::microseconds((i * 37 + t * 11) % 400);
        const uint64_t id = watch.add(deadline, {}, [&](WatchEvent) { ++told; });
        if (i % 2 == 0) continue;
        watch.forget(id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (told < 4 * 250) std::this_thread::yield();  // those that were not forgotten, at least
  EXPECT_LE(told, 4 * 500);
}

}  // namespace
}  // namespace vivace
