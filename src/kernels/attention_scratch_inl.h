// What attention within one sequence is cut into, and where the parts of its scratch memory begin.
#pragma once

#include "kernels/attention_operands_inl.h"

namespace vivace {
namespace {

// Positions' queries are multiplied by keys for this many queries at a time: few enough for the products to stay in
// L2 whatever the sequence's length, so many that few of them are computed twice.
constexpr int kPositionQueries = 6 * kQueryBlock;
// … and for this many keys, whole tiles and whole vectors.
template <typename V>
constexpr int kPositionKeys = 3 * V::kLanes;

// Queries first … first + count - 1 and the keys that any of them sees; key_begin is the first of a panel.
struct AttentionBlock {
  int first;
  int count;
  int key_begin;
  int key_end;
};

// Positions that lie between those of two distances. They begin with a panel.
struct PositionRange {
  int first;
  int count;
};

template <int kWidth>
inline PositionRange positions_between(const int32_t* index, int nearest, int farthest) {
  const int32_t a = index[nearest];
  const int32_t b = index[farthest];
  const int first = (a < b ? a : b) / kWidth * kWidth;
  return {first, (a < b ? b : a) - first + 1};
}

// The most positions that lie between those of two distances which are `apart` from each other.
inline int widest_range(const int32_t* index, int tokens, int apart) {
  const int last = tokens - 1 + kDistancePadding;
  const int step = apart < 2 * last ? apart : 2 * last;
  int widest = 0;
  for (int distance = -last; distance + step <= last; ++distance) {
    const int range = index[distance + step] - index[distance];
    const int size = range < 0 ? -range : range;
    widest = size > widest ? size : widest;
  }
  return widest + 1;
}

// In floats. Each part starts on a cache line.
struct AttentionScratch {
  size_t values = 0;               // packed; the packed keys are at 0
  size_t key_rows = 0;             // operand_rows() of all keys
  size_t query_rows = 0;           // … and of a block's queries
  size_t scores = 0;               // of a block of queries
  size_t content_to_position = 0;  // a block's queries times positions' keys: [kQueryBlock][positions]
  size_t position_to_content = 0;  // keys times the queries of the positions that kPositionQueries reach
  size_t floats = 0;
  int score_stride = 0;
  int query_stride = 0;  // of content_to_position
  int key_stride = 0;    // of position_to_content
};

template <typename P, int NR>
inline AttentionScratch attention_scratch(int tokens, int head_dim, const int32_t* index) {
  using V = typename P::Vector;
  constexpr int kWidth = NR * V::kLanes;
  constexpr int kLine = 16;
  const auto area = [](int rows, int columns) {
    return static_cast<size_t>(rows) * static_cast<size_t>(round_up_to<kLine>(columns));
  };
  const int keys = round_up_to<kWidth>(tokens);
  AttentionScratch s;
  s.score_stride = keys + kLine;  // the softmax of a window writes whole vectors
  s.values = area(words_of<P>(head_dim), keys);
  s.key_rows = s.values + area(words_of<P>(tokens), round_up_to<kWidth>(head_dim));
  s.query_rows = s.key_rows + area(tokens, words_of_operand_row<P>(head_dim));
  s.scores = s.query_rows + area(kQueryBlock, words_of_operand_row<P>(head_dim));
  s.content_to_position = s.scores + area(kQueryBlock, s.score_stride);
  s.floats = s.content_to_position;
  if (index == nullptr) return s;
  // A range begins with a panel and is read in whole vectors, those behind the last row too.
  const int queries = tokens < kPositionQueries ? tokens : kPositionQueries;
  s.query_stride = round_up_to<kLine>(widest_range(index, tokens, kQueryBlock + keys) + kWidth);
  s.key_stride = round_up_to<kLine>(widest_range(index, tokens, queries + kPositionKeys<V> + V::kLanes) + kWidth);
  s.position_to_content = s.content_to_position + area(kQueryBlock, s.query_stride) + kLine;
  s.floats = s.position_to_content + area(round_up_to<V::kLanes>(tokens), s.key_stride) + kLine;
  return s;
}

}  // namespace
}  // namespace vivace
