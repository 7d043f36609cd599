// The frames of one direction of an HTTP/2 connection (RFC 9113, 4.1), found in its bytes however they are cut into
// pieces. What frames hold is not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vivace {

enum class Http2FrameType : uint8_t { kData = 0, kHeaders = 1, kReset = 3, kContinuation = 9 };  // there are others

struct Http2Frame {
  static constexpr size_t kHeaderBytes = 9;

  size_t length = 0;  // of the payload
  Http2FrameType type = Http2FrameType::kData;
  bool ends_stream = false;   // of data and headers: the side that sends it has nothing more to say
  bool ends_headers = false;  // of headers and continuations: the block is complete
  uint32_t stream = 0;
};

class Http2FrameReader {
 public:
  enum class Event { kNone, kBegin, kEnd };

  // Takes bytes off the front until a frame's header is complete, or its payload, or nothing is left.
  Event next(std::string_view* bytes);
  const Http2Frame& frame() const { return m_frame; }   // the one that begins or ends
  bool is_within() const { return m_header_size > 0; }  // a frame, of which more is to come

 private:
  std::array<uint8_t, Http2Frame::kHeaderBytes> m_header{};
  size_t m_header_size = 0;
  size_t m_payload_left = 0;
  Http2Frame m_frame;
};

}  // namespace vivace
