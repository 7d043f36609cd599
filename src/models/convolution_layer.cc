#include "models/convolution_layer.h"

#include <algorithm>

namespace vivace {
namespace {

// The tokens around each one side by side: [tokens, kernel_size · hidden_size].
void gather_neighbours(std::span<const int32_t> offsets, MatrixView<const float> input, int kernel_size,
                       MatrixView<float> out) {
  const int reach = kernel_size / 2;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    for (int token = offsets[i]; token < offsets[i + 1]; ++token) {
      for (int tap = 0; tap < kernel_size; ++tap) {
        const int source = token + tap - reach;
        float* target = out.row(token) + static_cast<ptrdiff_t>(tap) * input.columns;
        if (source >= offsets[i] && source < offsets[i + 1]) {
          std::copy_n(input.row(source), input.columns, target);
        } else {
          std::fill_n(target, input.columns, 0.0F);
        }
      }
    }
  }
}

}  // namespace

ConvolutionLayer load_convolution_layer(LayerLoader& load, const WeightScope& scope, const ConvolutionConfig& config) {
  return ConvolutionLayer{
      .config = config,
      .taps = load.convolution(scope.scope("conv"), config.hidden_size, config.kernel_size, config.groups),
      .norm = load.layer_norm(scope.scope("LayerNorm"), config.hidden_size, config.epsilon),
  };
}

void run_convolution_layer(const ExecutionContext& context, const ConvolutionLayer& layer,
                           std::span<const int32_t> offsets, MatrixView<const float> input, MatrixView<float> x) {
  Arena& arena = context.scratch[0];
  const Arena::Scope scope(arena);
  const MatrixView<float> neighbours = arena.matrix(x.rows, layer.taps.weight.k());
  gather_neighbours(offsets, input, layer.config.kernel_size, neighbours);
  const MatrixView<const float> residual = x;
  linear(context, neighbours, layer.taps, {.activation = layer.config.activation, .residual = &residual}, x);
  layer_norm(context, x, layer.norm, x);
}

}  // namespace vivace
