#include "ops/rotary.h"

#include <cmath>

namespace vivace {
namespace {

void rotate_head(const float* table, int half, float* head) {
  for (int d = 0; d < half; ++d) {
    const float cosine = table[d];
    const float sine = table[half + d];
    const float first = head[d];
    const float second = head[half + d];
    head[d] = first * cosine - second * sine;
    head[half + d] = second * cosine + first * sine;
  }
}

}  // namespace

void rotary_table(double theta, MatrixView<float> table) {
  CHECK(table.columns % 2 == 0);
  const int half = table.columns / 2;
  for (int d = 0; d < half; ++d) {
    const float exponent = static_cast<float>(2 * d) / static_cast<float>(table.columns);
    const float frequency = 1.0F / std::pow(static_cast<float>(theta), exponent);
    for (int position = 0; position < table.rows; ++position) {
      const float angle = static_cast<float>(position) * frequency;
      table.row(position)[d] = std::cos(angle);
      table.row(position)[half + d] = std::sin(angle);
    }
  }
}

void rotate(const ExecutionContext& context, MatrixView<const float> table, std::span<const int32_t> positions,
            MatrixView<float> qkv) {
  const int width = qkv.columns / 3;
  const int head_dim = table.columns;
  CHECK(head_dim > 0 && head_dim % 2 == 0 && width % head_dim == 0 && qkv.columns == 3 * width);
  CHECK(positions.size() == static_cast<size_t>(qkv.rows));
  context.run([&](int thread) {
    const Range rows = split_range(qkv.rows, context.threads(), thread);
    for (int row = rows.begin; row < rows.end; ++row) {
      const int32_t position = positions[static_cast<size_t>(row)];
      CHECK(position >= 0 && position < table.rows);
      for (int column = 0; column < 2 * width; column += head_dim) {
        rotate_head(table.row(position), head_dim / 2, qkv.row(row) + column);
      }
    }
  });
}

}  // namespace vivace
