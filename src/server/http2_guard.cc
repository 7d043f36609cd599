#include "server/http2_guard.h"

#include <algorithm>
#include <cstring>

namespace vivace {
namespace {

enum FrameType : uint8_t { kData = 0, kHeaders = 1, kReset = 3, kContinuation = 9 };

constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kEndHeaders = 0x4;
// Many more than calls may run at once on a connection: gRPC refuses those, but not at once.
constexpr size_t kMostUnfinished = 1024;

}  // namespace

Result<void> Http2Guard::take(std::string_view bytes, Clock::time_point now) {
  const size_t preface = std::min(m_preface_left, bytes.size());
  m_preface_left -= preface;
  bytes.remove_prefix(preface);
  while (!bytes.empty()) {
    if (m_header_size < kFrameHeaderBytes) {
      if (m_header_size == 0) m_frame_deadline = now + m_limits.body_time;
      const size_t count = std::min(kFrameHeaderBytes - m_header_size, bytes.size());
      std::memcpy(m_header.data() + m_header_size, bytes.data(), count);
      m_header_size += count;
      bytes.remove_prefix(count);
      if (m_header_size < kFrameHeaderBytes) break;
      RETURN_IF_ERROR(begin_frame(now));
    }
    const size_t count = std::min(m_payload_left, bytes.size());
    m_payload_left -= count;
    bytes.remove_prefix(count);
    if (m_payload_left == 0) end_frame();
  }
  return {};
}

Http2Guard::Clock::time_point Http2Guard::deadline() const {
  const auto message = m_unfinished.empty() ? Clock::time_point::max() : m_unfinished.begin()->second;
  return std::min({m_frame_deadline, m_block_deadline, message});
}

Result<void> Http2Guard::begin_frame(Clock::time_point now) {
  m_payload_left = size_t{m_header[0]} << 16 | size_t{m_header[1]} << 8 | m_header[2];
  const uint8_t type = m_header[3];
  const uint8_t flags = m_header[4];
  const uint32_t stream =
      (uint32_t{m_header[5]} << 24 | uint32_t{m_header[6]} << 16 | uint32_t{m_header[7]} << 8 | m_header[8]) &
      0x7fffffff;
  if ((type == kHeaders || type == kData) && (flags & kEndStream) != 0) m_ending_stream = stream;
  if (type == kHeaders || type == kContinuation) {
    // Streams are opened in the order of their numbers, so the first is also the one that has waited longest.
    if (type == kHeaders) m_unfinished.try_emplace(stream, now + m_limits.body_time);
    RETURN_IF_ERROR(continue_headers(m_payload_left, (flags & kEndHeaders) != 0, now));
  }
  if (type == kReset) {
    m_unfinished.erase(stream);
    RETURN_IF_ERROR(count_reset(now));
  }
  if (m_unfinished.size() > kMostUnfinished) {
    return error(StatusCode::kOverloaded, "too many calls wait for their message on one connection");
  }
  return {};
}

// A frame counts as its header, too: empty ones must come to an end as well.
Result<void> Http2Guard::continue_headers(size_t length, bool ends, Clock::time_point now) {
  if (m_header_block == 0) m_block_deadline = now + m_limits.body_time;
  m_header_block += kFrameHeaderBytes + length;
  m_headers_end = ends;
  if (m_header_block <= m_limits.header_bytes + kFrameHeaderBytes) return {};
  return error(StatusCode::kTooLarge, "a call's header is longer than max_header_bytes");
}

Result<void> Http2Guard::count_reset(Clock::time_point now) {
  const std::chrono::duration<double> passed = now - m_last_reset;
  m_last_reset = now;
  m_resets_left = std::min(kMostResets, m_resets_left + passed.count() * kResetsASecond) - 1;
  if (m_resets_left >= 0) return {};
  return error(StatusCode::kOverloaded, "too many calls are cancelled on one connection");
}

void Http2Guard::end_frame() {
  m_header_size = 0;
  m_frame_deadline = Clock::time_point::max();
  if (m_ending_stream != 0) m_unfinished.erase(m_ending_stream);
  m_ending_stream = 0;
  if (!m_headers_end) return;
  m_headers_end = false;
  m_header_block = 0;
  m_block_deadline = Clock::time_point::max();
}

}  // namespace vivace
