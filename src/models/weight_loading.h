// From named tensors of a checkpoint to the packed layers that operations use. Shared by all architectures.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "formats/weights.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/rms_norm.h"

namespace vivace {

enum class LayerBias : uint8_t { kNone, kPresent };

// Loads layers for one kernel table and counts what it loads. Problems go to the WeightLoader, whose finish() tells
// them all. A layer with a missing tensor stays empty: no memory is taken for sizes that only a configuration claims.
class LayerLoader {
 public:
  LayerLoader(WeightLoader& weights, const KernelTable& kernels) : m_weights(weights), m_kernels(kernels) {}

  // One Linear out of the layers of those names, outputs side by side: {"query", "key", "value"} gives [q | k | v].
  // Each has weight [outputs_each, inputs] and, if there is one, bias [outputs_each].
  Linear linear(const WeightScope& scope, std::initializer_list<std::string_view> names, int inputs, int outputs_each,
                LayerBias bias = LayerBias::kPresent);
  // A Linear whose weight [outputs, inputs] and bias [outputs] have names of their own. Empty bias name: none.
  struct Names {
    std::string_view weight;
    std::string_view bias;
  };
  Linear named_linear(const WeightScope& scope, Names names, int inputs, int outputs);
  // One Linear out of rows first … first + outputs - 1 of weight [rows, inputs], and of bias [rows] where there is one.
  struct RowRange {
    int rows = 0;
    int first = 0;
    int outputs = 0;
  };
  Linear linear_rows(const WeightScope& scope, int inputs, RowRange range, LayerBias bias);
  // A convolution over tokens, weight [n, n / groups, kernel_size] and bias [n], as a Linear whose inputs are the
  // kernel_size tokens side by side; what lies outside a group is zero.
  Linear convolution(const WeightScope& scope, int n, int kernel_size, int groups);
  // weight and, if there is one, bias [n].
  LayerNorm layer_norm(const WeightScope& scope, int n, double epsilon, LayerBias bias = LayerBias::kPresent);
  // weight [n].
  RmsNorm rms_norm(const WeightScope& scope, int n, double epsilon);
  // A table [rows, columns] as floats.
  AlignedBuffer<float> table(const WeightScope& scope, std::string_view name, int rows, int columns);

  size_t parameters() const { return m_parameters; }
  size_t packed_bytes() const { return m_packed_bytes; }

 private:
  AlignedBuffer<float> floats(const WeightScope& scope, std::string_view name, const TensorView& tensor);
  WeightLoader& m_weights;
  const KernelTable& m_kernels;
  size_t m_parameters = 0;
  size_t m_packed_bytes = 0;
};

}  // namespace vivace
