// Watches what an HTTP/2 client sends, frame by frame (RFC 9113, 4.1), for what gRPC 1.51 does not bound: headers that
// never end (CVE-2023-33953), messages that never arrive, and streams that are opened only to be reset
// (CVE-2023-44487).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/status.h"

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

  // The next bytes of the connection, from its preface on. kTooLarge or kOverloaded, saying why, when the client must
  // be sent away.
  Result<void> take(std::string_view bytes, Clock::time_point now);

  // When something that has begun must have arrived; max() when nothing is awaited.
  Clock::time_point deadline() const;

 private:
  static constexpr size_t kFrameHeaderBytes = 9;

  Result<void> begin_frame(Clock::time_point now);
  Result<void> continue_headers(size_t length, bool ends, Clock::time_point now);
  Result<void> count_reset(Clock::time_point now);
  void end_frame();

  const Http2Limits m_limits;
  size_t m_preface_left = kHttp2Preface.size();
  std::array<uint8_t, kFrameHeaderBytes> m_header{};  // of the frame that arrives
  size_t m_header_size = 0;
  size_t m_payload_left = 0;
  Clock::time_point m_frame_deadline = Clock::time_point::max();
  uint32_t m_ending_stream = 0;  // its message is complete with this frame; 0: none
  bool m_headers_end = false;    // with this frame
  size_t m_header_block = 0;     // bytes of the headers that arrive; 0: none do
  Clock::time_point m_block_deadline = Clock::time_point::max();
  std::map<uint32_t, Clock::time_point> m_unfinished;  // streams whose message is not complete, by their deadline too
  double m_resets_left = kMostResets;
  Clock::time_point m_last_reset{};

  // As nghttp2 allows.
  static constexpr double kMostResets = 1000;
  static constexpr double kResetsASecond = 33;
};

}  // namespace vivace
