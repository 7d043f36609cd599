#include "ops/first_tokens.h"

#include <algorithm>

namespace vivace {

void gather_first_tokens(MatrixView<const float> x, std::span<const int32_t> offsets, MatrixView<float> out) {
  CHECK(offsets.size() == static_cast<size_t>(out.rows) + 1 && x.columns == out.columns);
  for (int i = 0; i < out.rows; ++i) std::copy_n(x.row(offsets[static_cast<size_t>(i)]), x.columns, out.row(i));
}

void scatter_first_tokens(MatrixView<const float> first, std::span<const int32_t> offsets, MatrixView<float> x) {
  CHECK(offsets.size() == static_cast<size_t>(first.rows) + 1 && x.columns == first.columns);
  for (int i = 0; i < first.rows; ++i) std::copy_n(first.row(i), x.columns, x.row(offsets[static_cast<size_t>(i)]));
}

void project_for_first_tokens(const ExecutionContext& context, const LinearInput& x, const Linear& layer,
                              std::span<const int32_t> offsets, MatrixView<float> qkv) {
  const int width = qkv.columns / 3;
  if (width % layer.weight.panel_width() != 0) {  // queries share a panel with keys
    linear(context, x, layer, {}, qkv);
    return;
  }
  linear(context, x, layer, {.first_output = width}, qkv.slice_columns(width, qkv.columns));
  Arena& arena = context.scratch[0];
  const Arena::Scope scope(arena);
  const int sequences = static_cast<int>(offsets.size()) - 1;
  const MatrixView<float> first = arena.matrix(sequences, x.x.columns);
  const MatrixView<float> queries = arena.matrix(sequences, width);
  gather_first_tokens(x.x, offsets, first);
  linear(context, first, layer, {}, queries);
  scatter_first_tokens(queries, offsets, qkv.slice_columns(0, width));
}

}  // namespace vivace
