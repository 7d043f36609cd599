// What a Replace or Split of a tokenizer.json looks for: a literal string or a regular expression; and how a text is
// split at what was found. Immutable, thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/regex.h"

namespace vivace {

// A stretch [begin, end) of a text: a match, or what stands between two.
struct Segment {
  size_t begin = 0;
  size_t end = 0;
  bool is_match = false;
  bool operator==(const Segment&) const = default;
};

class TextPattern {
 public:
  // {"String": "…"} or {"Regex": "…"}.
  static Result<TextPattern> read(const JsonValue& pattern);

  // Appends the segments that cover text, which is not empty, in order. Empty matches count, as in the package.
  Result<void> find(std::string_view text, std::vector<Segment>* segments) const;

 private:
  TextPattern() = default;

  std::string m_literal;
  std::optional<Regex> m_regex;  // for regular expressions, and for the empty literal
};

enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

Result<SplitBehavior> read_split_behavior(const JsonValue& value);

// Turns the segments of a text in place into the pieces to keep: those with is_match set are removed.
void apply_behavior(SplitBehavior behavior, std::vector<Segment>* segments);

}  // namespace vivace
