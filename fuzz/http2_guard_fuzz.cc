// Any bytes as what an HTTP/2 client sends behind its preface: the guard must say the same of them however they are cut
// into pieces, and a deadline that it names must come from something that has begun.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "server/http2_guard.h"

namespace vivace {
namespace {

using Clock = Http2Guard::Clock;

constexpr Http2Limits kLimits{.header_bytes = 256, .body_time = std::chrono::seconds(5)};
const Clock::time_point kNow{std::chrono::hours(1)};

struct Outcome {
  bool is_taken = true;
  Clock::time_point deadline;
  bool operator==(const Outcome&) const = default;
};

Outcome guard(std::string_view bytes, size_t piece, std::string_view answer) {
  Http2Guard guard(kLimits);
  CHECK(guard.take(kHttp2Preface, kNow).has_value());
  Outcome outcome;
  while (outcome.is_taken && !bytes.empty()) {
    outcome.is_taken = guard.take(bytes.substr(0, piece), kNow).has_value();
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  guard.take_answer(answer);
  if (outcome.is_taken) outcome.deadline = guard.deadline();
  return outcome;
}

}  // namespace
}  // namespace vivace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  // The same bytes may also be what the server says.
  for (const std::string_view answer : {std::string_view(), bytes}) {
    const vivace::Outcome whole = vivace::guard(bytes, size, answer);
    CHECK(whole == vivace::guard(bytes, size_t{data[0]} + 1, answer));
    CHECK(!whole.is_taken || whole.deadline == vivace::Clock::time_point::max() ||
          whole.deadline == vivace::kNow + vivace::kLimits.body_time);
  }
  return 0;
}
