// A convolution over the tokens of each sequence, zeros beyond its ends, with activation, residual and normalisation.
#pragma once

#include <cstdint>
#include <span>

#include "models/weight_loading.h"

namespace vivace {

struct ConvolutionConfig {
  int hidden_size = 0;
  int kernel_size = 0;  // odd
  int groups = 1;       // divides hidden_size: outputs see the inputs of their own group only
  Activation activation = Activation::kTanh;
  double epsilon = 0;
};

struct ConvolutionLayer {
  ConvolutionConfig config;
  Linear taps;  // kernel_size · hidden_size inputs: the tokens around one, first to last
  LayerNorm norm;
};

// Tensors conv.weight [hidden, hidden / groups, kernel_size], conv.bias and LayerNorm of the scope.
ConvolutionLayer load_convolution_layer(LayerLoader& load, const WeightScope& scope, const ConvolutionConfig& config);

// x ← norm(x + activation(convolution(input))).
//   input, x  [tokens, hidden_size]; must not overlap
void run_convolution_layer(const ExecutionContext& context, const ConvolutionLayer& layer,
                           std::span<const int32_t> offsets, MatrixView<const float> input, MatrixView<float> x);

}  // namespace vivace
