#include "heads/head.h"

#include <algorithm>

namespace vivace {
namespace {

void mean_of_rows(const KernelTable& kernels, MatrixView<const float> rows, float* out) {
  const auto columns = static_cast<size_t>(rows.columns);
  std::fill_n(out, columns, 0.0F);
  for (int row = 0; row < rows.rows; ++row) kernels.add_f32(rows.row(row), out, columns);
  kernels.scale_f32(1.0F / static_cast<float>(rows.rows), out, columns);
}

MatrixView<const float> gather(Arena& arena, MatrixView<const float> hidden, std::span<const int32_t> rows) {
  const MatrixView<float> chosen = arena.matrix(static_cast<int>(rows.size()), hidden.columns);
  for (int i = 0; i < chosen.rows; ++i) {
    const int row = rows[static_cast<size_t>(i)];
    CHECK(row >= 0 && row < hidden.rows);
    std::copy_n(hidden.row(row), hidden.columns, chosen.row(i));
  }
  return chosen;
}

MatrixView<const float> choose_tokens(const ExecutionContext& context, HeadTokens tokens, const PackedBatch& batch,
                                      MatrixView<const float> hidden) {
  Arena& arena = context.scratch[0];
  const auto sequences = static_cast<size_t>(batch.sequences());
  switch (tokens) {
    case HeadTokens::kEach: return hidden;
    case HeadTokens::kMarked: return gather(arena, hidden, batch.marked);
    case HeadTokens::kFirst: return first_rows(context, batch, hidden);
    case HeadTokens::kMean: break;
  }
  const MatrixView<float> means = arena.matrix(batch.sequences(), hidden.columns);
  for (size_t i = 0; i < sequences; ++i) {
    mean_of_rows(*context.kernels, hidden.slice_rows(batch.offsets[i], batch.offsets[i + 1]),
                 means.row(static_cast<int>(i)));
  }
  return means;
}

}  // namespace

MatrixView<const float> first_rows(const ExecutionContext& context, const PackedBatch& batch,
                                   MatrixView<const float> hidden) {
  const auto sequences = static_cast<size_t>(batch.sequences());
  return gather(context.scratch[0], hidden, std::span(batch.offsets).first(sequences));
}

MatrixView<const float> run_head(const ExecutionContext& context, const Head& head, const PackedBatch& batch,
                                 MatrixView<const float> hidden) {
  CHECK(hidden.rows == batch.tokens());
  Arena& arena = context.scratch[0];
  MatrixView<const float> x = choose_tokens(context, head.tokens, batch, hidden);
  if (head.dense) {
    const MatrixView<float> dense = arena.matrix(x.rows, head.dense->weight.n());
    linear(context, x, *head.dense, {.activation = head.activation}, dense);
    if (head.norm) layer_norm(context, dense, *head.norm, dense);
    x = dense;
  }
  const MatrixView<float> logits = arena.matrix(x.rows, head.output.weight.n());
  linear(context, x, head.output, {}, logits);
  return logits;
}

}  // namespace vivace
