#include "server/http2_guard.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using Clock = Http2Guard::Clock;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;

// Length, type, flags, stream, and as much payload as is asked for.
std::string frame(uint8_t type, uint8_t flags, uint32_t stream, size_t length, size_t sent) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<char>(length >> shift));
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(stream >> shift));
  return bytes + std::string(sent, 'x');
}

std::string headers(uint32_t stream, uint8_t flags, size_t length = 20) {
  return frame(1, flags, stream, length, length);
}

class Http2GuardTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(m_guard.take(kHttp2Preface, m_now)); }
  Result<void> take(const std::string& bytes) { return m_guard.take(bytes, m_now); }

  const Clock::time_point m_start = Clock::now();
  Clock::time_point m_now = m_start;
  Http2Guard m_guard{{.header_bytes = 1000, .body_time = seconds(5)}};
};

TEST_F(Http2GuardTest, CallsInWholeOrByteByByteAreNoMatter) {
  const std::string call =
      headers(1, kEndHeaders) + frame(0, 0, 1, 300, 300) + frame(8, 0, 0, 4, 4) + frame(0, kEndStream, 1, 0, 0);
  ASSERT_TRUE(take(call));
  EXPECT_EQ(m_guard.deadline(), Clock::time_point::max());
  for (size_t i = 0; i < call.size(); ++i) {
    EXPECT_EQ(m_guard.deadline(), i == 0 ? Clock::time_point::max() : m_start + seconds(5));
    ASSERT_TRUE(take(call.substr(i, 1)));
  }
  EXPECT_EQ(m_guard.deadline(), Clock::time_point::max());
}

TEST_F(Http2GuardTest, HeadersThatDoNotEndAreRefused) {
  ASSERT_TRUE(take(headers(1, kEndHeaders, 1000)));
  EXPECT_FALSE(take(headers(3, kEndHeaders, 1001)));
}

TEST_F(Http2GuardTest, ContinuationsCountTogetherAndEmptyOnesToo) {
  for (const size_t length : {size_t{0}, size_t{100}}) {
    Http2Guard guard({.header_bytes = 1000, .body_time = seconds(5)});
    ASSERT_TRUE(guard.take(kHttp2Preface, m_now));
    Result<void> taken = guard.take(headers(1, 0), m_now);
    int frames = 0;
    while (taken && frames < 1000) {
      taken = guard.take(frame(9, 0, 1, length, length), m_now);
      ++frames;
    }
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message, HasSubstr("max_header_bytes"));
    EXPECT_LE(static_cast<size_t>(frames) * (length + 9), 1000U + length + 9);
  }
}

TEST_F(Http2GuardTest, EachBlockOfHeadersCountsByItself) {
  for (uint32_t stream = 1; stream < 200; stream += 2) {
    ASSERT_TRUE(take(headers(stream, 0, 500) + frame(9, kEndHeaders, stream, 400, 400)));
    ASSERT_TRUE(take(frame(0, kEndStream, stream, 5, 5)));
  }
  EXPECT_EQ(m_guard.deadline(), Clock::time_point::max());
}

TEST_F(Http2GuardTest, TheOldestMessageHasTheDeadline) {
  ASSERT_TRUE(take(headers(1, kEndHeaders)));
  m_now += seconds(1);
  ASSERT_TRUE(take(headers(3, kEndHeaders)));
  EXPECT_EQ(m_guard.deadline(), m_start + seconds(5));
  ASSERT_TRUE(take(frame(0, kEndStream, 1, 10, 10)));
  EXPECT_EQ(m_guard.deadline(), m_start + seconds(6));
  ASSERT_TRUE(take(frame(3, 0, 3, 4, 4)));  // given up
  EXPECT_EQ(m_guard.deadline(), Clock::time_point::max());
}

TEST_F(Http2GuardTest, WhatIsAnsweredNeedNotBeCompleted) {
  ASSERT_TRUE(take(headers(1, kEndHeaders) + headers(3, kEndHeaders) + headers(5, kEndHeaders)));
  m_guard.take_answer(frame(4, 0, 0, 0, 0) + headers(1, kEndHeaders));  // has begun only
  EXPECT_EQ(m_guard.deadline(), m_start + seconds(5));
  const std::string answers =
      headers(1, kEndHeaders | kEndStream) + frame(3, 0, 3, 4, 4) + frame(0, kEndStream, 5, 0, 0);
  for (const char byte : answers) m_guard.take_answer({&byte, 1});
  EXPECT_EQ(m_guard.deadline(), Clock::time_point::max());
}

TEST_F(Http2GuardTest, ALastFrameThatDoesNotArriveKeepsItsDeadline) {
  ASSERT_TRUE(take(headers(1, kEndHeaders)));
  m_now += seconds(4);
  ASSERT_TRUE(take(frame(0, kEndStream, 1, 1 << 20, 10)));
  EXPECT_EQ(m_guard.deadline(), m_start + seconds(5));
}

TEST_F(Http2GuardTest, ResetsAreCountedAndForgiven) {
  const auto open_and_reset = [&](uint32_t stream) {
    return take(headers(stream, kEndHeaders | kEndStream) + frame(3, 0, stream, 4, 4));
  };
  uint32_t stream = 1;
  for (int i = 0; i < 1000; ++i, stream += 2) ASSERT_TRUE(open_and_reset(stream)) << i;
  EXPECT_FALSE(open_and_reset(stream));
  m_now += seconds(10);
  for (int i = 0; i < 300; ++i, stream += 2) ASSERT_TRUE(open_and_reset(stream)) << i;
}

TEST_F(Http2GuardTest, IsIdleOnceEveryCallIsAnsweredOrReset) {
  const std::string settings = frame(4, 0, 0, 0, 0);
  const std::string trailers = headers(1, kEndHeaders | kEndStream);
  ASSERT_TRUE(take(settings));
  EXPECT_TRUE(m_guard.is_idle());
  ASSERT_TRUE(take(headers(1, kEndHeaders) + frame(0, kEndStream, 1, 3, 3) + headers(3, kEndHeaders)));
  m_guard.take_answer(settings + headers(1, kEndHeaders) + frame(0, 0, 1, 3, 3));
  EXPECT_FALSE(m_guard.is_idle());
  m_guard.take_answer(frame(3, 0, 3, 4, 4) + trailers.substr(0, trailers.size() - 1));
  EXPECT_FALSE(m_guard.is_idle());
  m_guard.take_answer(trailers.substr(trailers.size() - 1));
  EXPECT_TRUE(m_guard.is_idle());
  ASSERT_TRUE(take(headers(5, kEndHeaders)));
  EXPECT_FALSE(m_guard.is_idle());
  ASSERT_TRUE(take(frame(3, 0, 5, 4, 4) + headers(5, kEndHeaders | kEndStream)));
  EXPECT_TRUE(m_guard.is_idle());
}

TEST_F(Http2GuardTest, UnfinishedCallsAreLimited) {
  Result<void> taken;
  uint32_t stream = 1;
  for (; taken && stream < 10000; stream += 2) taken = take(headers(stream, kEndHeaders));
  EXPECT_FALSE(taken);
  EXPECT_EQ(stream, 2 * 1024 + 3);
}

}  // namespace
}  // namespace vivace
