// Text that grows with the tokens of one sequence: which part of it is certain, and where a stop string ends it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "text/tokenizer.h"

namespace vivace {

// Position of the first occurrence of any of the stop strings, npos without one.
size_t find_stop(std::string_view text, std::span<const std::string> stops);

// How much of the text stays as it is whatever follows: not a character that is cut in two, nor blanks that a decoder
// may take back, nor what may be the beginning of a stop string.
size_t certain_length(std::string_view text, std::span<const std::string> stops);

class TextStream {
 public:
  TextStream(const Tokenizer& tokenizer, std::span<const std::string> stops) : m_tokenizer(tokenizer), m_stops(stops) {}

  // Takes all tokens so far and returns the text that became certain with the last ones. The view is valid until the
  // next call.
  Result<std::string_view> update(std::span<const int32_t> ids);
  // The rest of the text, cut at a stop string.
  Result<std::string_view> finish(std::span<const int32_t> ids);
  // Whether a stop string has occurred in what the last call saw.
  bool stopped() const { return m_stopped; }
  // All text that the last call saw, cut at a stop string.
  const std::string& text() const { return m_text; }

 private:
  Result<void> decode(std::span<const int32_t> ids);
  std::string_view take(size_t end);

  const Tokenizer& m_tokenizer;
  std::span<const std::string> m_stops;
  std::string m_text;
  std::string m_given;  // what was returned so far
  bool m_stopped = false;
};

}  // namespace vivace
