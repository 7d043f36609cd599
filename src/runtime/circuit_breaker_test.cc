#include "runtime/circuit_breaker.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

using Clock = CircuitBreaker::Clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class CircuitBreakerTest : public testing::Test {
 protected:
  void call(bool fails) {
    auto begun = m_breaker.begin(m_now);
    ASSERT_TRUE(begun.has_value());
    if (fails) {
      begun->failed(m_now);
    } else {
      begun->succeeded(m_now);
    }
  }
  void calls(int count, bool fails) {
    for (int i = 0; i < count; ++i) call(fails);
  }
  BreakerState state() const { return m_breaker.snapshot(m_now).state; }

  CircuitBreaker m_breaker{"the model 'm'"};
  Clock::time_point m_now = Clock::time_point{} + seconds(1000);
};

TEST_F(CircuitBreakerTest, FourFailuresAreTooFewToJudge) {
  calls(4, true);
  EXPECT_EQ(state(), BreakerState::kClosed);
  call(true);
  EXPECT_EQ(state(), BreakerState::kOpen);
}

TEST_F(CircuitBreakerTest, OpensAtHalfOfTheLastTwenty) {
  calls(11, false);
  calls(9, true);
  EXPECT_EQ(state(), BreakerState::kClosed);
  // The window forgets a success and gains a failure: 10 of 20.
  call(true);
  EXPECT_EQ(state(), BreakerState::kOpen);
}

TEST_F(CircuitBreakerTest, RefusesWithTheSecondsToWait) {
  calls(5, true);
  m_now += milliseconds(1500);
  const auto refused = m_breaker.begin(m_now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, StatusCode::kUnavailable);
  EXPECT_EQ(refused.error().message, "the model 'm' failed too often and is left alone for now; try again in 4 s");
  EXPECT_EQ(refused.error().retry_after_seconds, 4);
  EXPECT_DOUBLE_EQ(m_breaker.snapshot(m_now).retry_after_seconds, 3.5);
  EXPECT_EQ(m_breaker.snapshot(m_now).refused, 1U);
}

TEST_F(CircuitBreakerTest, OneCallTriesAndSuccessCloses) {
  calls(5, true);
  m_now += seconds(5);
  EXPECT_EQ(state(), BreakerState::kHalfOpen);
  auto probe = m_breaker.begin(m_now);
  ASSERT_TRUE(probe.has_value());
  EXPECT_FALSE(m_breaker.begin(m_now).has_value()) << "a second call while the first one tries";
  probe->succeeded(m_now);
  EXPECT_EQ(state(), BreakerState::kClosed);
  EXPECT_EQ(m_breaker.snapshot(m_now).window_calls, 0U) << "old failures are forgotten";
  calls(4, true);
  EXPECT_EQ(state(), BreakerState::kClosed);
}

TEST_F(CircuitBreakerTest, FailedTriesDoubleThePauseUpToAMinute) {
  calls(5, true);
  for (const int pause : {5, 10, 20, 40, 60, 60}) {
    EXPECT_DOUBLE_EQ(m_breaker.snapshot(m_now).retry_after_seconds, pause);
    m_now += seconds(pause) - milliseconds(1);
    EXPECT_FALSE(m_breaker.begin(m_now).has_value());
    m_now += milliseconds(1);
    call(true);
  }
  m_now += seconds(60);
  call(false);
  calls(5, true);
  EXPECT_DOUBLE_EQ(m_breaker.snapshot(m_now).retry_after_seconds, 5) << "after a success it starts anew";
}

TEST_F(CircuitBreakerTest, CountsEachTransition) {
  const auto counts = [this] {
    const BreakerSnapshot snapshot = m_breaker.snapshot(m_now);
    return std::array{snapshot.opened, snapshot.half_opened, snapshot.closed};
  };
  call(false);
  EXPECT_EQ(counts(), (std::array<uint64_t, 3>{0, 0, 0}));
  calls(4, true);  // four of five
  EXPECT_EQ(counts(), (std::array<uint64_t, 3>{1, 0, 0}));
  m_now += seconds(5);
  EXPECT_EQ(counts(), (std::array<uint64_t, 3>{1, 0, 0})) << "nobody has tried yet";
  ASSERT_TRUE(m_breaker.begin(m_now).has_value());  // gives up
  call(true);
  EXPECT_EQ(counts(), (std::array<uint64_t, 3>{2, 1, 0}));
  m_now += seconds(10);
  call(false);
  EXPECT_EQ(counts(), (std::array<uint64_t, 3>{2, 2, 1}));
}

TEST_F(CircuitBreakerTest, AbandonedCallsCountAsNeither) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(m_breaker.begin(m_now).has_value());
  EXPECT_EQ(m_breaker.snapshot(m_now).window_calls, 0U);
  calls(5, true);
  m_now += seconds(5);
  {
    ASSERT_TRUE(m_breaker.begin(m_now).has_value());
  }  // the one that tries gives up
  EXPECT_EQ(state(), BreakerState::kHalfOpen);
  call(false);
  EXPECT_EQ(state(), BreakerState::kClosed);
}

TEST_F(CircuitBreakerTest, CallsFromBeforeTheOpeningDoNotCountAfterIt) {
  auto late = m_breaker.begin(m_now);
  auto later = m_breaker.begin(m_now);
  calls(5, true);
  m_now += seconds(5);
  late->succeeded(m_now);  // not the one that tries
  EXPECT_EQ(state(), BreakerState::kHalfOpen);
  call(false);
  later->failed(m_now);
  EXPECT_EQ(m_breaker.snapshot(m_now).window_calls, 0U);
}

TEST(CircuitBreakerThreads, OnlyOneOfManyTries) {
  CircuitBreaker breaker("b");
  const auto start = Clock::time_point{} + seconds(1);
  for (int i = 0; i < 5; ++i) breaker.begin(start)->failed(start);
  std::atomic<int> admitted{0};
  std::atomic<int> asked{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      auto call = breaker.begin(start + seconds(6));
      if (call) ++admitted;
      ++asked;
      while (asked.load() < 8) std::this_thread::yield();  // all have asked before the one that tries ends
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(admitted.load(), 1);
}

}  // namespace
}  // namespace vivace
