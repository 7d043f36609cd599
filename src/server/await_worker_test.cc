// Work on other threads as a coroutine awaits it: done, not begun in time, or begun and late.
#include "server/await_worker.h"

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace vivace {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class AwaitWorkerTest : public ::testing::Test {
 protected:
  Reply reply_of(Clock::time_point deadline, std::function<Reply()> work) {
    m_io.restart();
    std::optional<Reply> reply;
    const auto wait = [&]() -> asio::awaitable<void> {
      reply = co_await await_worker(m_workers, deadline, std::move(work));
    };
    asio::co_spawn(m_io, wait(), asio::detached);
    while (!reply) m_io.run_one();
    return std::move(*reply);
  }

  // Keeps the only thread busy until m_release.
  void occupy() {
    const auto begun = std::make_shared<std::promise<void>>();
    const auto busy = m_release.get_future().share();
    ASSERT_TRUE(m_workers.submit([begun, busy] {
      begun->set_value();
      busy.wait();
    }));
    begun->get_future().wait();
  }

  std::promise<void> m_release;
  asio::io_context m_io;
  WorkerPool m_workers{1, 1};
};

TEST_F(AwaitWorkerTest, GivesWhatTheWorkAnswers) {
  const Reply reply = reply_of(Clock::now() + std::chrono::hours(1), [] {
    HttpResponse response;
    response.body = "done";
    return Reply(std::move(response));
  });
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "done");
  const Reply failed = reply_of(Clock::now() + std::chrono::hours(1), []() -> Reply { throw std::bad_alloc(); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().status.code, StatusCode::kInternal);
}

TEST_F(AwaitWorkerTest, NobodyWaitsForAThreadPastTheDeadline) {
  occupy();
  std::atomic<bool> begun = false;
  const Reply reply = reply_of(Clock::now() + milliseconds(5), [&begun] {
    begun = true;
    return Reply(HttpResponse());
  });
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().status.code, StatusCode::kDeadlineExceeded);
  m_release.set_value();
  m_workers.stop();
  EXPECT_FALSE(begun) << "what it refers to may be gone";
}

TEST_F(AwaitWorkerTest, WhatHasBegunIsWaitedFor) {
  std::atomic<bool> begun = false;
  const auto deadline = Clock::now() + milliseconds(50);
  const Reply reply = reply_of(deadline, [&begun, deadline] {
    begun = true;
    std::this_thread::sleep_until(deadline + milliseconds(20));
    return Reply(HttpResponse());
  });
  EXPECT_EQ(reply.has_value(), begun) << "a machine that is busy enough does not begin it in time";
}

TEST_F(AwaitWorkerTest, AFullPoolRefuses) {
  occupy();
  ASSERT_TRUE(m_workers.submit([] {}));  // the one that may wait
  const Reply reply = reply_of(Clock::now() + std::chrono::hours(1), [] { return Reply(HttpResponse()); });
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().status.code, StatusCode::kOverloaded);
  m_release.set_value();
}

}  // namespace
}  // namespace vivace
