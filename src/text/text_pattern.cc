#include "text/text_pattern.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace vivace {
namespace {

void add_between(size_t begin, size_t end, std::vector<Segment>* segments) {
  if (begin != end) segments->push_back({begin, end, false});
}

void merge_with_next(std::vector<Segment>* segments) {
  std::vector<Segment> merged;
  bool previous_match = false;
  for (auto segment = segments->rbegin(); segment != segments->rend(); ++segment) {
    if (segment->is_match && !previous_match && !merged.empty()) {
      merged.back().begin = segment->begin;
    } else {
      merged.push_back({segment->begin, segment->end, false});
    }
    previous_match = segment->is_match;
  }
  std::reverse(merged.begin(), merged.end());
  *segments = std::move(merged);
}

// Joins a segment to the one before where the rule, given this and the previous segment's matching, says so.
template <typename Joins>
void merge_forward(std::vector<Segment>* segments, Joins joins) {
  size_t size = 0;
  bool previous_match = false;
  for (const Segment segment : *segments) {
    if (size > 0 && joins(segment.is_match, previous_match)) {
      (*segments)[size - 1].end = segment.end;
    } else {
      (*segments)[size++] = {segment.begin, segment.end, false};
    }
    previous_match = segment.is_match;
  }
  segments->resize(size);
}

}  // namespace

Result<TextPattern> TextPattern::read(const JsonValue& pattern) {
  TextPattern result;
  if (const auto literal = pattern.find("String")) {
    ASSIGN_OR_RETURN(const std::string_view text, literal->as_string());
    result.m_literal = text;
    if (!text.empty()) return result;
    ASSIGN_OR_RETURN(result.m_regex, Regex::compile("", literal->path()));
    return result;
  }
  ASSIGN_OR_RETURN(const JsonValue expression, pattern.get("Regex"));
  ASSIGN_OR_RETURN(const std::string_view text, expression.as_string());
  ASSIGN_OR_RETURN(result.m_regex, Regex::compile(text, expression.path()));
  return result;
}

Result<void> TextPattern::find(std::string_view text, std::vector<Segment>* segments) const {
  size_t previous = 0;
  if (!m_regex) {
    for (size_t at = text.find(m_literal); at != std::string_view::npos; at = text.find(m_literal, previous)) {
      add_between(previous, at, segments);
      previous = at + m_literal.size();
      segments->push_back({at, previous, true});
    }
    add_between(previous, text.size(), segments);
    return {};
  }
  std::optional<size_t> last_match_end;
  for (size_t start = 0; start <= text.size();) {
    ASSIGN_OR_RETURN(const auto match, m_regex->search(text, start));
    if (!match) break;
    if (match->begin == match->end && last_match_end == match->end) {
      // An empty match right behind the last one is passed over.
      if (start >= text.size()) break;
      next_code_point(text, &start);
      continue;
    }
    add_between(previous, match->begin, segments);
    segments->push_back({match->begin, match->end, true});
    previous = start = match->end;
    last_match_end = match->end;
  }
  add_between(previous, text.size(), segments);
  return {};
}

Result<SplitBehavior> read_split_behavior(const JsonValue& value) {
  constexpr std::pair<std::string_view, SplitBehavior> kNames[] = {
      {"Removed", SplitBehavior::kRemoved},
      {"Isolated", SplitBehavior::kIsolated},
      {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
      {"MergedWithNext", SplitBehavior::kMergedWithNext},
      {"Contiguous", SplitBehavior::kContiguous}};
  ASSIGN_OR_RETURN(const std::string_view name, value.as_string());
  for (const auto& [known, behavior] : kNames) {
    if (name == known) return behavior;
  }
  return error(StatusCode::kUnsupported, value.path() + ": behavior '" + printable(name) + "' is not supported");
}

void apply_behavior(SplitBehavior behavior, std::vector<Segment>* segments) {
  switch (behavior) {
    case SplitBehavior::kRemoved: break;
    case SplitBehavior::kIsolated:
      for (Segment& segment : *segments) segment.is_match = false;
      break;
    case SplitBehavior::kMergedWithPrevious:
      merge_forward(segments, [](bool is_match, bool previous) { return is_match && !previous; });
      break;
    case SplitBehavior::kMergedWithNext: merge_with_next(segments); break;
    case SplitBehavior::kContiguous:
      merge_forward(segments, [](bool is_match, bool previous) { return is_match == previous; });
      break;
  }
}

}  // namespace vivace
