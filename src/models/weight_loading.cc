#include "models/weight_loading.h"

#include <algorithm>

#include "models/calibrated_rounding.h"
#include "models/outlier_inputs.h"

namespace vivace {
namespace {

size_t product(int a, int b) {
  return static_cast<size_t>(a) * static_cast<size_t>(b);
}

}  // namespace

Result<WeightFiles> open_weights(const std::string& directory, const LoadTarget& target) {
  if (target.packed != nullptr) {
    RETURN_IF_ERROR(target.packed->verify());
    return WeightFiles::listing(target.packed->tensors());
  }
  auto files = WeightFiles::open(directory);
  if (files && target.writer != nullptr) target.writer->add_tensors(files->tensors());
  return files;
}

LayerLoader::LayerLoader(WeightLoader& weights, const LoadTarget& target, int hidden_size)
    : m_weights(weights), m_target(target), m_hidden_size(hidden_size) {
  if (hidden_size == 0 || !target.is_quantized() || target.packed != nullptr) return;
  m_strong_channels = find_strong_channels(weights.files(), hidden_size);
}

Precision LayerLoader::precision_of(const Plan& plan) const {
  if (m_target.precision != Precision::kInt4) return precision_of(plan.name);
  return m_writes && plan.inputs <= kMaxFourBitDepth ? Precision::kInt4 : Precision::kInt8;
}

Precision LayerLoader::precision_of(std::string_view full_name) const {
  const Precision precision = resolve_precision(m_target.kernels, m_target.precision);
  if (precision == Precision::kInt4) return Precision::kInt8;
  if (precision != Precision::kInt8) return precision;
  const bool kept = std::ranges::any_of(m_target.kept_in_bf16, [&](const std::string& layer) {
    return full_name.starts_with(layer) && full_name.substr(layer.size()).starts_with('.');
  });
  return kept ? Precision::kBf16 : precision;
}

void LayerLoader::read_floats(const WeightScope& scope, std::string_view name, const TensorView& tensor, float* out) {
  if (!convert_to_f32(tensor, out)) scope.report_not_finite(name);
  m_weights.files().release_pages(tensor);
}

AlignedBuffer<float> LayerLoader::floats(const WeightScope& scope, std::string_view name, const TensorView& tensor) {
  if (tensor.data == nullptr) return {};
  AlignedBuffer<float> values(static_cast<size_t>(tensor.shape.elements()));
  read_floats(scope, name, tensor, values.data());
  m_parameters += values.size();
  return values;
}

AlignedBuffer<float> LayerLoader::numbers(const WeightScope& scope, std::string_view name, const Shape& shape) {
  const TensorView tensor = scope.tensor(name, shape);
  if (tensor.data == nullptr) return {};
  const std::string key = scope.full_name(name);
  AlignedBuffer<float> values;
  if (m_target.packed == nullptr) {
    values = floats(scope, name, tensor);
  } else {
    values = m_target.packed->floats(key);
    m_parameters += values.size();
    if (values.size() != static_cast<size_t>(shape.elements())) {
      m_weights.report("'" + key + "' is not as expected in the packed file");
      return {};
    }
  }
  if (m_target.writer != nullptr) m_target.writer->add_floats(key, {values.data(), values.size()});
  m_packed_bytes += values.bytes();
  return values;
}

Linear LayerLoader::packed_linear(const Plan& plan, const std::string& key) {
  const PanelLayout layout = panel_layout(m_target.kernels, precision_of(plan));
  auto matrix = m_target.packed->matrix(key);
  Linear layer{{}, m_target.packed->floats(key + ".bias")};
  const size_t biases = plan.has_bias ? static_cast<size_t>(plan.outputs) : 0;
  if (!matrix || matrix->k() != plan.inputs || matrix->n() != plan.outputs || matrix->layout() != layout ||
      layer.bias.size() != biases) {
    m_weights.report("'" + key + "' is not as expected in the packed file");
    return {};
  }
  layer.weight = std::move(*matrix);
  return layer;
}

PackedMatrix LayerLoader::pack(const Plan& plan, const Values& values) {
  const PanelLayout layout = panel_layout(m_target.kernels, precision_of(plan));
  const float* weights = values.weights.data() + static_cast<ptrdiff_t>(values.first) * plan.inputs;
  std::vector<int32_t> outliers;
  if (layout.is_quantized()) {
    const bool reads_hidden_states = plan.inputs == m_hidden_size;
    outliers =
        choose_outliers(reads_hidden_states ? std::span<const int32_t>(m_strong_channels) : std::span<const int32_t>(),
                        weights, plan.outputs, plan.inputs);
  }
  PackedMatrix matrix(plan.inputs, plan.outputs, layout, outliers, m_pages.get());
  matrix.pack_rows(weights, plan.outputs, 0);
  if (m_target.calibration != nullptr && layout.dtype == DType::kI8) {
    m_target.calibration->round(plan.name, weights, &matrix);
  }
  return matrix;
}

template <typename Read>
Linear LayerLoader::make_linear(const Plan& plan, Read read) {
  const size_t parameters = m_parameters + plan.parameters;
  const PanelLayout layout = panel_layout(m_target.kernels, precision_of(plan));
  const std::string key = plan.name + ":" + std::string(dtype_name(layout.dtype));
  Linear layer;
  if (m_target.packed != nullptr) {
    layer = packed_linear(plan, key);
  } else {
    Values values = read();
    layer = {pack(plan, values), std::move(values.bias)};
  }
  if (m_target.recorder != nullptr) m_target.recorder->add_layer(plan.name, layer.weight);
  if (m_target.writer != nullptr) {
    m_target.writer->add_matrix(key, layer.weight);
    if (plan.has_bias) m_target.writer->add_floats(key + ".bias", {layer.bias.data(), layer.bias.size()});
  }
  m_parameters = parameters;
  m_packed_bytes += layer.bytes();
  return layer;
}

bool LayerLoader::is_packed(const WeightScope& scope, std::string_view name) const {
  const std::string full = scope.full_name(name);
  const PanelLayout layout = panel_layout(m_target.kernels, precision_of(full));
  return m_target.packed != nullptr && m_target.packed->has_matrix(full + ":" + std::string(dtype_name(layout.dtype)));
}

Linear LayerLoader::linear(const WeightScope& scope, std::initializer_list<std::string_view> names, int inputs,
                           int outputs_each, LayerBias bias) {
  struct Part {
    WeightScope scope;
    TensorView weight;
    TensorView bias;
  };
  const bool has_bias = bias == LayerBias::kPresent;
  const int outputs = static_cast<int>(names.size()) * outputs_each;
  Plan plan{.name = {}, .inputs = inputs, .outputs = outputs, .has_bias = has_bias, .parameters = 0};
  plan.parameters = product(inputs, outputs) + (has_bias ? static_cast<size_t>(outputs) : 0);
  std::vector<Part> parts;
  bool complete = true;
  for (const auto name : names) {
    const WeightScope part = scope.scope(name);
    plan.name += (plan.name.empty() ? "" : "+") + scope.full_name(name);
    parts.push_back({part, part.tensor("weight", {outputs_each, inputs}),
                     has_bias ? part.tensor("bias", {outputs_each}) : TensorView{}});
    complete = complete && parts.back().weight.data != nullptr && (!has_bias || parts.back().bias.data != nullptr);
  }
  if (!complete) return {};
  return make_linear(plan, [&] {
    Values values{.weights = AlignedBuffer<float>(product(outputs, inputs))};
    if (has_bias) values.bias = AlignedBuffer<float>(static_cast<size_t>(outputs));
    ptrdiff_t first = 0;
    for (const auto& part : parts) {
      read_floats(part.scope, "weight", part.weight, values.weights.data() + first * inputs);
      if (has_bias) read_floats(part.scope, "bias", part.bias, values.bias.data() + first);
      first += outputs_each;
    }
    return values;
  });
}

Linear LayerLoader::named_linear(const WeightScope& scope, Names names, int inputs, int outputs) {
  const bool has_bias = !names.bias.empty();
  const TensorView weight = scope.tensor(names.weight, {outputs, inputs});
  const TensorView bias = has_bias ? scope.tensor(names.bias, {outputs}) : TensorView{};
  if (weight.data == nullptr || (has_bias && bias.data == nullptr)) return {};
  const Plan plan{.name = scope.full_name(names.weight),
                  .inputs = inputs,
                  .outputs = outputs,
                  .has_bias = has_bias,
                  .parameters = product(inputs, outputs) + (has_bias ? static_cast<size_t>(outputs) : 0)};
  return make_linear(plan, [&] {
    return Values{.weights = floats(scope, names.weight, weight), .bias = floats(scope, names.bias, bias)};
  });
}

Linear LayerLoader::linear_rows(const WeightScope& scope, int inputs, RowRange range, LayerBias bias) {
  const bool has_bias = bias == LayerBias::kPresent;
  const TensorView weight = scope.tensor("weight", {range.rows, inputs});
  const TensorView offset = has_bias ? scope.tensor("bias", {range.rows}) : TensorView{};
  if (weight.data == nullptr || (has_bias && offset.data == nullptr)) return {};
  // Only the rows of this layer are counted: the others come with theirs.
  const Plan plan{.name = scope.full_name("rows." + std::to_string(range.first)),
                  .inputs = inputs,
                  .outputs = range.outputs,
                  .has_bias = has_bias,
                  .parameters = product(inputs, range.outputs) + (has_bias ? static_cast<size_t>(range.outputs) : 0)};
  return make_linear(plan, [&] {
    Values values{.weights = floats(scope, "weight", weight), .first = range.first};
    if (has_bias) {
      values.bias = AlignedBuffer<float>(static_cast<size_t>(range.outputs));
      std::copy_n(floats(scope, "bias", offset).data() + range.first, range.outputs, values.bias.data());
    }
    return values;
  });
}

Linear LayerLoader::convolution(const WeightScope& scope, int n, int kernel_size, int groups) {
  const int group = n / groups;
  const TensorView weight = scope.tensor("weight", {n, group, kernel_size});
  const TensorView bias = scope.tensor("bias", {n});
  if (weight.data == nullptr || bias.data == nullptr) return {};
  const int inputs = kernel_size * n;
  const Plan plan{.name = scope.full_name("convolution"),
                  .inputs = inputs,
                  .outputs = n,
                  .has_bias = true,
                  .parameters = product(n, group * kernel_size) + static_cast<size_t>(n)};
  return make_linear(plan, [&] {
    const AlignedBuffer<float> taps = floats(scope, "weight", weight);
    Values values{.weights = AlignedBuffer<float>(product(n, inputs)), .bias = floats(scope, "bias", bias)};
    std::fill_n(values.weights.data(), values.weights.size(), 0.0F);
    for (int output = 0; output < n; ++output) {
      float* row = values.weights.data() + static_cast<ptrdiff_t>(output) * inputs;
      const float* source = taps.data() + static_cast<ptrdiff_t>(output) * group * kernel_size;
      for (int i = 0; i < group * kernel_size; ++i) {
        const int input = output / group * group + i / kernel_size;
        row[i % kernel_size * n + input] = source[i];
      }
    }
    return values;
  });
}

LayerNorm LayerLoader::layer_norm(const WeightScope& scope, int n, double epsilon, LayerBias bias) {
  // The names of TensorFlow's first checkpoints, which bert-base-uncased and its like still have.
  const bool is_old = !scope.has("weight") && scope.has("gamma");
  LayerNorm norm{numbers(scope, is_old ? "gamma" : "weight", {n}), {}, static_cast<float>(epsilon)};
  if (bias == LayerBias::kPresent) {
    norm.beta = numbers(scope, is_old ? "beta" : "bias", {n});
  } else if (norm.gamma.size() > 0) {
    norm.beta = AlignedBuffer<float>(norm.gamma.size());
    std::fill_n(norm.beta.data(), norm.beta.size(), 0.0F);
    m_packed_bytes += norm.beta.bytes();
  }
  return norm;
}

RmsNorm LayerLoader::rms_norm(const WeightScope& scope, int n, double epsilon) {
  return {numbers(scope, "weight", {n}), static_cast<float>(epsilon)};
}

AlignedBuffer<float> LayerLoader::table(const WeightScope& scope, std::string_view name, int rows, int columns) {
  return numbers(scope, name, {rows, columns});
}

Shortlist LayerLoader::shortlist(const WeightScope& scope, std::string_view name, const Linear& layer) {
  if (layer.weight.n() == 0 || layer.weight.layout().is_quantized()) return {};
  LayerLoader coarse(m_weights, m_target.in_int8());  // it counts for itself, the parameters were counted
  if (m_target.packed != nullptr && !coarse.is_packed(scope, name)) return {};
  Shortlist made{coarse.linear(scope, {name}, layer.weight.k(), layer.weight.n(), LayerBias::kNone), {}};
  if (made.coarse.weight.n() == 0) return {};
  const std::string key = scope.full_name(name) + ":shortlist";
  made.norms =
      m_target.packed == nullptr ? shortlist_norms(layer.weight, made.coarse.weight) : m_target.packed->floats(key);
  if (made.norms.size() != 2 * static_cast<size_t>(layer.weight.n())) return {};
  if (m_target.writer != nullptr) m_target.writer->add_floats(key, {made.norms.data(), made.norms.size()});
  m_packed_bytes += made.bytes();
  return made;
}

}  // namespace vivace
