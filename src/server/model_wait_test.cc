#include "server/model_wait.h"

#include <functional>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

class ModelWaitTest : public ::testing::Test {
 protected:
  // Waits until `deadline`; the load ends when the test calls m_done.
  boost::asio::awaitable<void> wait(Clock::time_point deadline) {
    const std::function<void(ModelRegistry::Loaded)> begin = [this](ModelRegistry::Loaded done) {
      m_done = std::move(done);
      if (m_on_begin) m_on_begin();
    };
    m_outcome = co_await await_model(deadline, m_stop.get_token(), begin);
  }
  // Runs until the wait has ended; a load that ends after it is told to nobody.
  void run(Clock::duration time) {
    boost::asio::co_spawn(m_io, wait(Clock::now() + time), [this](const std::exception_ptr&) {
      m_done({});
      m_done = nullptr;
    });
    m_io.run_for(std::chrono::minutes(1));
    ASSERT_TRUE(m_outcome);
  }

  boost::asio::io_context m_io;
  std::stop_source m_stop;
  ModelRegistry::Loaded m_done;
  std::function<void()> m_on_begin;
  std::optional<Result<void>> m_outcome;
};

TEST_F(ModelWaitTest, TellsHowTheLoadEnded) {
  m_on_begin = [this] { m_done(error(StatusCode::kCorruptFile, "broken")); };
  run(std::chrono::hours(1));
  EXPECT_EQ(m_outcome->error().code, StatusCode::kCorruptFile);
}

TEST_F(ModelWaitTest, EndsAtTheDeadline) {
  run(std::chrono::milliseconds(1));
  EXPECT_EQ(m_outcome->error().code, StatusCode::kDeadlineExceeded);
}

TEST_F(ModelWaitTest, EndsWhenTheClientLeaves) {
  const std::jthread client([this] { m_stop.request_stop(); });
  run(std::chrono::hours(1));
  EXPECT_EQ(m_outcome->error().code, StatusCode::kCancelled);
}

TEST_F(ModelWaitTest, EndsWhereTheClientHasLeftAlready) {
  m_stop.request_stop();
  run(std::chrono::hours(1));
  EXPECT_EQ(m_outcome->error().code, StatusCode::kCancelled);
}

}  // namespace
}  // namespace vivace
