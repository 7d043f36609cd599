#include "server/http2_frames.h"

#include <algorithm>
#include <cstring>

namespace vivace {
namespace {

constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kEndHeaders = 0x4;

Http2Frame parse(const std::array<uint8_t, Http2Frame::kHeaderBytes>& header) {
  Http2Frame frame;
  frame.length = size_t{header[0]} << 16 | size_t{header[1]} << 8 | header[2];
  frame.type = static_cast<Http2FrameType>(header[3]);
  const bool is_headers = frame.type == Http2FrameType::kHeaders;
  frame.ends_stream = (is_headers || frame.type == Http2FrameType::kData) && (header[4] & kEndStream) != 0;
  frame.ends_headers = (is_headers || frame.type == Http2FrameType::kContinuation) && (header[4] & kEndHeaders) != 0;
  frame.stream =
      (uint32_t{header[5]} << 24 | uint32_t{header[6]} << 16 | uint32_t{header[7]} << 8 | header[8]) & 0x7fffffff;
  return frame;
}

}  // namespace

Http2FrameReader::Event Http2FrameReader::next(std::string_view* bytes) {
  if (m_header_size < Http2Frame::kHeaderBytes) {
    const size_t count = std::min(Http2Frame::kHeaderBytes - m_header_size, bytes->size());
    if (count > 0) std::memcpy(m_header.data() + m_header_size, bytes->data(), count);
    m_header_size += count;
    bytes->remove_prefix(count);
    if (m_header_size < Http2Frame::kHeaderBytes) return Event::kNone;
    m_frame = parse(m_header);
    m_payload_left = m_frame.length;
    return Event::kBegin;
  }
  const size_t count = std::min(m_payload_left, bytes->size());
  m_payload_left -= count;
  bytes->remove_prefix(count);
  if (m_payload_left > 0) return Event::kNone;
  m_header_size = 0;
  return Event::kEnd;
}

}  // namespace vivace
