// Watches what an HTTP/2 client sends, frame by frame, for what gRPC 1.51 does not bound: headers that never end
// (CVE-2023-33953), messages that never arrive, and streams that are opened only to be reset (CVE-2023-44487).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>

#include "base/status.h"
#include "server/http2_frames.h"

namespace vivace {

// What every HTTP/2 connection begins with (RFC 9113, 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct Http2Limits {
  size_t header_bytes = 0;                          // of one call, as they are sent
  std::chrono::steady_clock::duration body_time{};  // for a call's message to arrive, from its first byte on
};

class Http2Guard {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Http2Guard(Http2Limits limits) : m_limits(limits) {}

  // The client's next bytes, from its preface on. kTooLarge or kOverloaded, saying why, when it must be sent away.
  Result<void> take(std::string_view bytes, Clock::time_point now);
  // The server's next bytes: a call that it has answered need not be completed.
  void take_answer(std::string_view bytes);

  // Whether every call that the client has begun has its answer.
  bool is_idle() const { return m_calls.empty() && !m_answers.is_within(); }

  // When something that the client has begun must have arrived; max() when nothing is awaited.
  Clock::time_point deadline() const;

 private:
  Result<void> begin_frame(Clock::time_point now);
  void open_call(uint32_t stream);
  Result<void> continue_headers(const Http2Frame& frame, Clock::time_point now);
  Result<void> count_reset(Clock::time_point now);
  void end_frame();

  // As nghttp2 allows.
  static constexpr double kMostResets = 1000;
  static constexpr double kResetsASecond = 33;

  const Http2Limits m_limits;
  size_t m_preface_left = kHttp2Preface.size();
  Http2FrameReader m_requests;
  Http2FrameReader m_answers;
  Clock::time_point m_frame_deadline = Clock::time_point::max();
  size_t m_header_block = 0;  // bytes of the headers that arrive; 0: none do
  Clock::time_point m_block_deadline = Clock::time_point::max();
  // Streams whose message is not complete, by when it must be. They are opened in the order of their numbers, so the
  // first is also the one that has waited longest.
  std::map<uint32_t, Clock::time_point> m_unfinished;
  // Streams that are not closed. One is opened by its first headers, and those of a closed one open nothing.
  std::set<uint32_t> m_calls;
  uint32_t m_newest_stream = 0;
  double m_resets_left = kMostResets;
  Clock::time_point m_last_reset{};
};

}  // namespace vivace
