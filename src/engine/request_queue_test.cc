#include "engine/request_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::shared_ptr<Job> request_of(std::initializer_list<int> lengths) {
  auto request = std::make_shared<Job>();
  for (const int length : lengths) {
    request->work.sequences.emplace_back().ids.resize(static_cast<size_t>(length));
  }
  return request;
}

class RequestQueueTest : public testing::Test {
 protected:
  // Pushes requests named 'a', 'b', … in order.
  void push(std::initializer_list<int> lengths) {
    m_requests.push_back(request_of(lengths));
    m_queue.push(m_requests.back());
  }
  std::vector<std::pair<char, size_t>> cut(size_t budget, size_t slice) {
    std::vector<std::pair<char, size_t>> names;
    for (const auto& item : m_queue.cut_batch(budget, slice)) {
      const auto found = std::ranges::find(m_requests, item.job);
      names.emplace_back(static_cast<char>('a' + (found - m_requests.begin())), item.sequence);
    }
    return names;
  }
  RequestQueue m_queue;
  std::vector<std::shared_ptr<Job>> m_requests;
};

TEST_F(RequestQueueTest, TakesAllThatFits) {
  push({10, 20});
  push({30});
  EXPECT_EQ(m_queue.waiting_texts(), 3U);
  EXPECT_EQ(m_queue.waiting_tokens(), 60U);
  EXPECT_THAT(cut(100, 100), ElementsAre(Pair('a', 0), Pair('a', 1), Pair('b', 0)));
  EXPECT_TRUE(m_queue.empty());
  EXPECT_EQ(m_queue.waiting_texts(), 0U);
  EXPECT_EQ(m_queue.waiting_tokens(), 0U);
}

TEST_F(RequestQueueTest, StopsAtTheBudgetAndGoesOnThere) {
  push({40, 40, 40});
  EXPECT_THAT(cut(100, 1000), ElementsAre(Pair('a', 0), Pair('a', 1)));
  EXPECT_EQ(m_queue.waiting_tokens(), 40U);
  EXPECT_THAT(cut(100, 1000), ElementsAre(Pair('a', 2)));
}

TEST_F(RequestQueueTest, ALongTextIsABatchOfItsOwn) {
  push({500});
  push({5});
  EXPECT_THAT(cut(100, 50), ElementsAre(Pair('a', 0)));
  EXPECT_THAT(cut(100, 50), ElementsAre(Pair('b', 0)));
}

// A short request behind a long list is in the very next batch.
TEST_F(RequestQueueTest, RequestsTakeTurns) {
  push({20, 20, 20, 20, 20, 20});
  push({10});
  EXPECT_THAT(cut(60, 40), ElementsAre(Pair('a', 0), Pair('a', 1), Pair('b', 0)));
  EXPECT_THAT(cut(60, 40), ElementsAre(Pair('a', 2), Pair('a', 3), Pair('a', 4)));
}

TEST_F(RequestQueueTest, ARequestCutShortByTheBudgetGoesFirstNext) {
  push({20});
  push({20, 20});
  push({20});
  EXPECT_THAT(cut(40, 100), ElementsAre(Pair('a', 0), Pair('b', 0)));
  EXPECT_THAT(cut(40, 100), ElementsAre(Pair('b', 1), Pair('c', 0)));
}

TEST_F(RequestQueueTest, AnEmptyQueueGivesNothing) {
  EXPECT_THAT(cut(100, 100), IsEmpty());
}

TEST_F(RequestQueueTest, RemovesCancelledAndExpired) {
  const auto now = EngineClock::now();
  push({10});
  push({20});
  push({30, 40});
  std::stop_source stop;
  m_requests[0]->limits.cancel = stop.get_token();
  m_requests[1]->limits.deadline = now;
  m_requests[2]->limits.deadline = now + std::chrono::hours(1);
  EXPECT_THAT(m_queue.remove_ended(now - std::chrono::hours(1)), IsEmpty());
  stop.request_stop();
  EXPECT_THAT(m_queue.remove_ended(now), ElementsAre(m_requests[0], m_requests[1]));
  EXPECT_EQ(m_queue.waiting_texts(), 2U);
  EXPECT_EQ(m_queue.waiting_tokens(), 70U);
  EXPECT_EQ(check_alive(*m_requests[0], now).error().code, StatusCode::kCancelled);
  EXPECT_EQ(check_alive(*m_requests[1], now).error().code, StatusCode::kDeadlineExceeded);
  EXPECT_THAT(m_queue.remove_all(), ElementsAre(m_requests[2]));
  EXPECT_EQ(m_queue.waiting_tokens(), 0U);
}

// A batch is computed for one output; jobs that want another keep their place.
TEST_F(RequestQueueTest, ABatchHasOneOutput) {
  push({10});
  push({20, 20});
  push({30});
  m_requests[1]->work.output = ModelOutput::kMarkedLogits;
  EXPECT_THAT(cut(100, 100), ElementsAre(Pair('a', 0), Pair('c', 0)));
  EXPECT_EQ(m_queue.waiting_tokens(), 40U);
  push({5});
  EXPECT_THAT(cut(100, 100), ElementsAre(Pair('b', 0), Pair('b', 1)));
  EXPECT_THAT(cut(100, 100), ElementsAre(Pair('d', 0)));
  EXPECT_TRUE(m_queue.empty());
}

TEST_F(RequestQueueTest, MarksCountInTheBudget) {
  push({10, 10, 10});
  m_requests[0]->work.marks = {{1}, {1, 2, 3}, {}};
  m_requests[0]->work.mark_cost = 5;
  EXPECT_THAT(cut(35, 1000), ElementsAre(Pair('a', 0)));
  EXPECT_THAT(cut(35, 1000), ElementsAre(Pair('a', 1), Pair('a', 2)));
}

TEST_F(RequestQueueTest, RemovesOneJob) {
  push({10, 20});
  push({30});
  EXPECT_THAT(cut(10, 10), ElementsAre(Pair('a', 0)));
  m_queue.remove(*m_requests[0]);
  EXPECT_EQ(m_queue.waiting_texts(), 1U);
  EXPECT_EQ(m_queue.waiting_tokens(), 30U);
  m_queue.remove(*m_requests[0]);
  EXPECT_THAT(cut(100, 100), ElementsAre(Pair('b', 0)));
}

}  // namespace
}  // namespace vivace
