#include "ops/cached_attention.h"

#include <algorithm>

#include "telemetry/trace.h"

namespace vivace {
namespace {

// Checks the sequences and returns the most keys that one of them has.
int most_keys(const CachedAttention& attention, int rows, int width) {
  int most = 0;
  for (const CachedSequence& sequence : attention.sequences) {
    const int keys = sequence.keys_values.rows;
    CHECK(sequence.keys_values.columns == 2 * width && keys > 0 && sequence.first_visible > 0);
    CHECK(sequence.first_row >= 0 && sequence.rows >= 0 && sequence.first_row + sequence.rows <= rows);
    if (attention.distance_bias != nullptr) CHECK(keys - 1 <= attention.longest_distance);
    most = std::max(most, keys);
  }
  return most;
}

}  // namespace

void cached_attention(const ExecutionContext& context, MatrixView<const float> queries,
                      const CachedAttention& attention, MatrixView<float> out) {
  TRACE_ZONE("cached_attention");
  const int heads = attention.heads;
  const int width = out.columns;
  CHECK(heads > 0 && width % heads == 0 && queries.columns == width && queries.rows == out.rows);
  const int scores = most_keys(attention, out.rows, width) + kScorePadding;
  const int items_in_all = static_cast<int>(attention.sequences.size()) * heads;
  context.run([&](int thread) {
    const Range items = split_range(items_in_all, context.threads(), thread);
    if (items.begin == items.end) return;
    Arena& arena = context.scratch[static_cast<size_t>(thread)];
    const Arena::Scope scope(arena);
    CachedAttentionF32Args args;
    args.scratch = arena.floats(static_cast<size_t>(scores));
    args.ldq = queries.stride;
    args.ldo = out.stride;
    args.scale = attention.scale;
    args.head_dim = width / heads;
    for (int item = items.begin; item < items.end; ++item) {
      const CachedSequence& sequence = attention.sequences[static_cast<size_t>(item / heads)];
      const int head = item % heads;
      const int column = head * args.head_dim;
      args.q = queries.row(sequence.first_row) + column;
      args.k = sequence.keys_values.data + column;
      args.v = args.k + width;
      args.ld = sequence.keys_values.stride;
      args.out = out.row(sequence.first_row) + column;
      args.queries = sequence.rows;
      args.keys = sequence.keys_values.rows;
      args.first_visible = sequence.first_visible;
      if (attention.distance_bias != nullptr) {
        const ptrdiff_t entries = attention.longest_distance + 1;
        args.distance_bias = attention.distance_bias + head * entries + attention.longest_distance;
      }
      context.kernels->cached_attention_f32(args);
    }
  });
}

}  // namespace vivace
