// Text that grows with the tokens of one sequence, cut at a stop string: which part of it is certain.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/stop_matcher.h"
#include "text/decode_stream.h"
#include "text/tokenizer.h"

namespace vivace {

// All pieces together are Tokenizer::decode() of all ids, without special tokens, up to the first stop string. A token
// costs the same whatever stands before it.
class TextStream {
 public:
  // Both must outlive the stream. No stop string is empty.
  TextStream(const Tokenizer& tokenizer, std::span<const std::string> stops)
      : m_decoder(tokenizer.decode_stream(SkipSpecialTokens::kYes)), m_stops(stops) {}

  // Takes all ids so far, those of earlier calls included, and returns the text that became certain with the new ones:
  // no character cut in two, nothing that a later token may change, nothing that may be the beginning of a stop string.
  // The view is valid until the next call. Ids without token are passed over: a model's vocabulary may be filled up.
  std::string_view update(std::span<const int32_t> ids);
  // The same, and no more ids come: the rest of the text.
  std::string_view finish(std::span<const int32_t> ids);
  // Whether a stop string is in the certain text. What comes behind it is not looked at.
  bool stopped() const { return m_stopped; }
  // The certain text so far, whether it was returned or not.
  const std::string& text() const { return m_text; }

 private:
  void read(std::span<const int32_t> ids);
  void append(std::string_view part);
  std::string_view take(size_t end);

  DecodeStream m_decoder;
  StopMatcher m_stops;
  std::string m_text;
  size_t m_read = 0;   // ids
  size_t m_given = 0;  // bytes of m_text that were returned
  bool m_stopped = false;
};

}  // namespace vivace
