#include "server/http2_guard.h"

#include <algorithm>

namespace vivace {
namespace {

using Event = Http2FrameReader::Event;

// Many more than calls may run at once on a connection: gRPC refuses those, but not at once.
constexpr size_t kMostUnfinished = 1024;

}  // namespace

Result<void> Http2Guard::take(std::string_view bytes, Clock::time_point now) {
  const size_t preface = std::min(m_preface_left, bytes.size());
  m_preface_left -= preface;
  bytes.remove_prefix(preface);
  for (Event event = m_requests.next(&bytes); event != Event::kNone; event = m_requests.next(&bytes)) {
    if (event == Event::kEnd) {
      end_frame();
    } else {
      RETURN_IF_ERROR(begin_frame(now));
    }
  }
  if (m_requests.is_within()) m_frame_deadline = std::min(m_frame_deadline, now + m_limits.body_time);
  return {};
}

void Http2Guard::take_answer(std::string_view bytes) {
  for (Event event = m_answers.next(&bytes); event != Event::kNone; event = m_answers.next(&bytes)) {
    const Http2Frame& frame = m_answers.frame();
    if (!frame.ends_stream && frame.type != Http2FrameType::kReset) continue;
    m_unfinished.erase(frame.stream);
    m_calls.erase(frame.stream);
  }
}

Http2Guard::Clock::time_point Http2Guard::deadline() const {
  const auto message = m_unfinished.empty() ? Clock::time_point::max() : m_unfinished.begin()->second;
  return std::min({m_frame_deadline, m_block_deadline, message});
}

Result<void> Http2Guard::begin_frame(Clock::time_point now) {
  const Http2Frame& frame = m_requests.frame();
  switch (frame.type) {
    case Http2FrameType::kHeaders:
      open_call(frame.stream);
      m_unfinished.try_emplace(frame.stream, now + m_limits.body_time);
      RETURN_IF_ERROR(continue_headers(frame, now));
      break;
    case Http2FrameType::kContinuation: RETURN_IF_ERROR(continue_headers(frame, now)); break;
    case Http2FrameType::kReset:
      m_unfinished.erase(frame.stream);
      m_calls.erase(frame.stream);
      RETURN_IF_ERROR(count_reset(now));
      break;
    default: break;
  }
  if (m_unfinished.size() <= kMostUnfinished) return {};
  return error(StatusCode::kOverloaded, "too many calls wait for their message on one connection");
}

void Http2Guard::open_call(uint32_t stream) {
  if (stream <= m_newest_stream) return;
  m_newest_stream = stream;
  m_calls.insert(stream);
}

// A frame counts as its header, too: empty ones must come to an end as well.
Result<void> Http2Guard::continue_headers(const Http2Frame& frame, Clock::time_point now) {
  if (m_header_block == 0) m_block_deadline = now + m_limits.body_time;
  m_header_block += Http2Frame::kHeaderBytes + frame.length;
  if (m_header_block <= m_limits.header_bytes + Http2Frame::kHeaderBytes) return {};
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
  const Http2Frame& frame = m_requests.frame();
  m_frame_deadline = Clock::time_point::max();
  if (frame.ends_stream) m_unfinished.erase(frame.stream);
  if (!frame.ends_headers) return;
  m_header_block = 0;
  m_block_deadline = Clock::time_point::max();
}

}  // namespace vivace
