#include "models/weight_loading.h"

#include <algorithm>
#include <vector>

namespace vivace {

AlignedBuffer<float> LayerLoader::floats(const WeightScope& scope, std::string_view name, const TensorView& tensor) {
  if (tensor.data == nullptr) return {};
  const auto count = static_cast<size_t>(tensor.shape.elements());
  AlignedBuffer<float> values(count);
  if (!convert_to_f32(tensor, values.data())) scope.report_not_finite(name);
  m_weights.files().release_pages(tensor);
  m_parameters += count;
  return values;
}

Linear LayerLoader::linear(const WeightScope& scope, std::initializer_list<std::string_view> names, int inputs,
                           int outputs_each, LayerBias bias) {
  struct Part {
    WeightScope scope;
    TensorView weight;
    TensorView bias;
  };
  const bool has_bias = bias == LayerBias::kPresent;
  std::vector<Part> parts;
  bool complete = true;
  for (const auto name : names) {
    const WeightScope part = scope.scope(name);
    parts.push_back({part, part.tensor("weight", {outputs_each, inputs}),
                     has_bias ? part.tensor("bias", {outputs_each}) : TensorView{}});
    complete = complete && parts.back().weight.data != nullptr && (!has_bias || parts.back().bias.data != nullptr);
  }
  if (!complete) return {};
  const int outputs = static_cast<int>(names.size()) * outputs_each;
  Linear layer{PackedMatrix(inputs, outputs, m_kernels.f32_panel_width), {}};
  if (has_bias) layer.bias = AlignedBuffer<float>(static_cast<size_t>(outputs));
  int first = 0;
  for (const auto& part : parts) {
    layer.weight.pack_rows(floats(part.scope, "weight", part.weight).data(), outputs_each, first);
    if (has_bias) std::copy_n(floats(part.scope, "bias", part.bias).data(), outputs_each, layer.bias.data() + first);
    first += outputs_each;
  }
  m_packed_bytes += layer.bytes();
  return layer;
}

Linear LayerLoader::named_linear(const WeightScope& scope, Names names, int inputs, int outputs) {
  const bool has_bias = !names.bias.empty();
  const TensorView weight = scope.tensor(names.weight, {outputs, inputs});
  const TensorView bias = has_bias ? scope.tensor(names.bias, {outputs}) : TensorView{};
  if (weight.data == nullptr || (has_bias && bias.data == nullptr)) return {};
  Linear layer{PackedMatrix(inputs, outputs, m_kernels.f32_panel_width), {}};
  layer.weight.pack_rows(floats(scope, names.weight, weight).data(), outputs, 0);
  if (has_bias) layer.bias = floats(scope, names.bias, bias);
  m_packed_bytes += layer.bytes();
  return layer;
}

Linear LayerLoader::linear_rows(const WeightScope& scope, int inputs, RowRange range, LayerBias bias) {
  const bool has_bias = bias == LayerBias::kPresent;
  const TensorView weight = scope.tensor("weight", {range.rows, inputs});
  const TensorView offset = has_bias ? scope.tensor("bias", {range.rows}) : TensorView{};
  if (weight.data == nullptr || (has_bias && offset.data == nullptr)) return {};
  Linear layer{PackedMatrix(inputs, range.outputs, m_kernels.f32_panel_width), {}};
  const size_t parameters = m_parameters;
  const auto first = static_cast<ptrdiff_t>(range.first);
  layer.weight.pack_rows(floats(scope, "weight", weight).data() + first * inputs, range.outputs, 0);
  if (has_bias) {
    layer.bias = AlignedBuffer<float>(static_cast<size_t>(range.outputs));
    std::copy_n(floats(scope, "bias", offset).data() + first, range.outputs, layer.bias.data());
  }
  // Only the rows of this layer: the others come with theirs.
  m_parameters = parameters + static_cast<size_t>(range.outputs) * static_cast<size_t>(inputs) + layer.bias.size();
  m_packed_bytes += layer.bytes();
  return layer;
}

Linear LayerLoader::convolution(const WeightScope& scope, int n, int kernel_size, int groups) {
  const int group = n / groups;
  const TensorView weight = scope.tensor("weight", {n, group, kernel_size});
  const TensorView bias = scope.tensor("bias", {n});
  if (weight.data == nullptr || bias.data == nullptr) return {};
  const AlignedBuffer<float> taps = floats(scope, "weight", weight);
  const int inputs = kernel_size * n;
  Linear layer{PackedMatrix(inputs, n, m_kernels.f32_panel_width), floats(scope, "bias", bias)};
  std::vector<float> row(static_cast<size_t>(inputs));
  for (int output = 0; output < n; ++output) {
    std::ranges::fill(row, 0.0F);
    const float* source = taps.data() + static_cast<ptrdiff_t>(output) * group * kernel_size;
    for (int i = 0; i < group * kernel_size; ++i) {
      const int input = output / group * group + i / kernel_size;
      row[static_cast<size_t>(i % kernel_size * n + input)] = source[i];
    }
    layer.weight.pack_rows(row.data(), 1, output);
  }
  m_packed_bytes += layer.bytes();
  return layer;
}

LayerNorm LayerLoader::layer_norm(const WeightScope& scope, int n, double epsilon, LayerBias bias) {
  LayerNorm norm{floats(scope, "weight", scope.tensor("weight", {n})), {}, static_cast<float>(epsilon)};
  if (bias == LayerBias::kPresent) {
    norm.beta = floats(scope, "bias", scope.tensor("bias", {n}));
  } else if (norm.gamma.size() > 0) {
    norm.beta = AlignedBuffer<float>(norm.gamma.size());
    std::fill_n(norm.beta.data(), norm.beta.size(), 0.0F);
  }
  m_packed_bytes += norm.gamma.bytes() + norm.beta.bytes();
  return norm;
}

RmsNorm LayerLoader::rms_norm(const WeightScope& scope, int n, double epsilon) {
  RmsNorm norm{floats(scope, "weight", scope.tensor("weight", {n})), static_cast<float>(epsilon)};
  m_packed_bytes += norm.gamma.bytes();
  return norm;
}

AlignedBuffer<float> LayerLoader::table(const WeightScope& scope, std::string_view name, int rows, int columns) {
  auto values = floats(scope, name, scope.tensor(name, {rows, columns}));
  m_packed_bytes += values.bytes();
  return values;
}

}  // namespace vivace
