// Finds stop strings in a text that comes part by part; each character is looked at once (Knuth, Morris and Pratt).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vivace {

class StopMatcher {
 public:
  static constexpr size_t kNone = std::string_view::npos;

  // None of them is empty; they must outlive the matcher.
  explicit StopMatcher(std::span<const std::string> stops);

  // Takes the part that follows. Where in the whole text the first stop string begins, of those that are complete by
  // now; kNone without one. Nothing may be pushed once there is one.
  size_t push(std::string_view part);
  // How many bytes at the end of the text may be the beginning of a stop string.
  size_t held() const;

 private:
  struct Stop {
    std::string_view text;
    // borders[i]: length of the longest beginning of text that text[1..i] ends with. Only as far as text was ever
    // matched, so that a huge stop string costs nothing.
    std::vector<size_t> borders;
    size_t matched = 0;  // of text, by the end of what came
  };
  static void advance(char next, Stop* stop);

  std::vector<Stop> m_stops;
  size_t m_length = 0;  // of what came
};

}  // namespace vivace
