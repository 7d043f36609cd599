// From the label scores of tokens to labelled words and spans, as transformers' token-classification pipeline puts them
// together. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/request.h"

namespace vivace {

// A token of the text; not one that the template added.
struct LabelledToken {
  int start = 0;  // code points of the text
  int end = 0;
  bool continues_word = false;
  std::vector<float> scores;  // one for each label, at least one
};

// What stands between two code points of a text.
class TextPlaces {
 public:
  explicit TextPlaces(std::string_view text);  // valid UTF-8, which must outlive this
  int size() const { return static_cast<int>(m_starts.size()) - 1; }
  // Code points start … end-1; places out of order or past the end are moved inside.
  std::string_view slice(int start, int end) const;
  // The first place from start on, before end, that is no blank.
  int skip_blanks(int start, int end) const;

 private:
  std::string_view m_text;
  std::vector<size_t> m_starts;  // byte of each code point, and the text's size
};

// The tokens of a word are one that starts it and those that continue it. A word's label is that of its first token, of
// its surest token, or of the mean of their scores; with kSimple, of the first.
std::vector<TaggedWord> label_words(const TextPlaces& text, const std::vector<LabelledToken>& tokens,
                                    const std::vector<std::string>& labels, Aggregation aggregation);

// Neighbouring tokens (kSimple) or words of one label. B- starts a new span, and so does another label.
std::vector<TaggedSpan> label_spans(const TextPlaces& text, const std::vector<LabelledToken>& tokens,
                                    const std::vector<std::string>& labels, Aggregation aggregation);

}  // namespace vivace
