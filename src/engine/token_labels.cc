#include "engine/token_labels.h"

#include <algorithm>
#include <span>

#include "base/utf8.h"

namespace vivace {
namespace {

// A token or a word with the label that was decided for it.
struct Decision {
  int start = 0;
  int end = 0;
  size_t label = 0;
  float score = 0;
};

size_t best(const std::vector<float>& scores) {
  return static_cast<size_t>(std::ranges::max_element(scores) - scores.begin());
}

float top(const LabelledToken& token) {
  return *std::ranges::max_element(token.scores);
}

Decision decide(std::span<const LabelledToken> word, Aggregation aggregation) {
  std::vector<float> scores = word.front().scores;
  if (aggregation == Aggregation::kMax) {
    scores = std::ranges::max_element(word, {}, top)->scores;
  } else if (aggregation == Aggregation::kAverage) {
    for (size_t label = 0; label < scores.size(); ++label) {
      double sum = 0;
      for (const LabelledToken& token : word) sum += static_cast<double>(token.scores[label]);
      scores[label] = static_cast<float>(sum / static_cast<double>(word.size()));
    }
  }
  const size_t label = best(scores);
  return {.start = word.front().start, .end = word.back().end, .label = label, .score = scores[label]};
}

std::vector<Decision> decide_words(const std::vector<LabelledToken>& tokens, Aggregation aggregation) {
  std::vector<Decision> words;
  for (size_t first = 0; first < tokens.size();) {
    size_t last = first + 1;
    while (last < tokens.size() && tokens[last].continues_word) ++last;
    words.push_back(decide(std::span(tokens).subspan(first, last - first), aggregation));
    first = last;
  }
  return words;
}

struct Tag {
  bool begins = false;  // written B-
  std::string_view name;
};

Tag read_tag(std::string_view label) {
  if (label.starts_with("B-")) return {true, label.substr(2)};
  if (label.starts_with("I-")) return {false, label.substr(2)};
  return {false, label};
}

// The span's name: what follows the first dash, of labels of any scheme ("E-PER").
std::string_view span_name(std::string_view label) {
  const size_t dash = label.find('-');
  return dash == std::string_view::npos ? label : label.substr(dash + 1);
}

TaggedSpan make_span(const TextPlaces& text, std::span<const Decision> parts, std::string_view first_label) {
  double sum = 0;
  for (const Decision& part : parts) sum += static_cast<double>(part.score);
  const int end = parts.back().end;
  const int start = text.skip_blanks(parts.front().start, end);
  return {.text = std::string(text.slice(start, end)),
          .start = start,
          .end = end,
          .label = std::string(span_name(first_label)),
          .score = static_cast<float>(sum / static_cast<double>(parts.size()))};
}

}  // namespace

TextPlaces::TextPlaces(std::string_view text) : m_text(text) {
  for (size_t byte = 0; byte < text.size();) {
    m_starts.push_back(byte);
    next_code_point(text, &byte);
  }
  m_starts.push_back(text.size());
}

std::string_view TextPlaces::slice(int start, int end) const {
  const int from = std::clamp(start, 0, size());
  const int to = std::clamp(end, from, size());
  const size_t first = m_starts[static_cast<size_t>(from)];
  return m_text.substr(first, m_starts[static_cast<size_t>(to)] - first);
}

int TextPlaces::skip_blanks(int start, int end) const {
  while (start < end && (slice(start, start + 1) == " " || slice(start, start + 1) == "\n" ||
                         slice(start, start + 1) == "\t" || slice(start, start + 1) == "\r")) {
    ++start;
  }
  return start;
}

std::vector<TaggedWord> label_words(const TextPlaces& text, const std::vector<LabelledToken>& tokens,
                                    const std::vector<std::string>& labels, Aggregation aggregation) {
  std::vector<TaggedWord> words;
  for (const Decision& word : decide_words(tokens, aggregation)) {
    const int start = text.skip_blanks(word.start, word.end);
    words.push_back({.word = std::string(text.slice(start, word.end)),
                     .start = start,
                     .end = word.end,
                     .label = labels[word.label],
                     .score = word.score});
  }
  return words;
}

std::vector<TaggedSpan> label_spans(const TextPlaces& text, const std::vector<LabelledToken>& tokens,
                                    const std::vector<std::string>& labels, Aggregation aggregation) {
  std::vector<Decision> parts;
  if (aggregation == Aggregation::kSimple) {
    for (const LabelledToken& token : tokens) parts.push_back(decide(std::span(&token, 1), aggregation));
  } else {
    parts = decide_words(tokens, aggregation);
  }
  std::vector<TaggedSpan> spans;
  for (size_t first = 0; first < parts.size();) {
    size_t last = first + 1;
    while (last < parts.size()) {
      const Tag tag = read_tag(labels[parts[last].label]);
      if (tag.begins || tag.name != read_tag(labels[parts[last - 1].label]).name) break;
      ++last;
    }
    const std::string& label = labels[parts[first].label];
    TaggedSpan span = make_span(text, std::span(parts).subspan(first, last - first), label);
    if (span.label != "O") spans.push_back(std::move(span));
    first = last;
  }
  return spans;
}

}  // namespace vivace
