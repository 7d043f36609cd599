#include "models/t5_layers.h"

#include "ops/attention.h"
#include "ops/linear.h"
#include "ops/multiply.h"
#include "ops/rms_norm.h"
#include "telemetry/trace.h"

namespace vivace {

T5FeedForward load_t5_feed_forward(LayerLoader& load, const WeightScope& layer, const T5Config& config) {
  const WeightScope dense = layer.scope("DenseReluDense");
  const auto projection = [&](std::string_view name, int inputs, int outputs) {
    return load.linear(dense, {name}, inputs, outputs, LayerBias::kNone);
  };
  T5FeedForward part;
  part.norm = load.rms_norm(layer.scope("layer_norm"), config.hidden_size, config.epsilon);
  part.input = projection(config.gated ? "wi_0" : "wi", config.hidden_size, config.intermediate_size);
  if (config.gated) part.gate = projection("wi_1", config.hidden_size, config.intermediate_size);
  part.output = projection("wo", config.intermediate_size, config.hidden_size);
  return part;
}

void run_t5_feed_forward(const ExecutionContext& context, const T5FeedForward& layer, const T5Config& config,
                         MatrixView<float> x) {
  Arena& arena = context.scratch[0];
  const Arena::Scope scope(arena);
  const MatrixView<float> normal = arena.matrix(x.rows, config.hidden_size);
  const MatrixView<float> inner = arena.matrix(x.rows, config.intermediate_size);
  rms_norm(context, x, layer.norm, normal);
  linear(context, normal, layer.input, {.activation = config.activation}, inner);
  if (config.gated) {
    const MatrixView<float> gate = arena.matrix(x.rows, config.intermediate_size);
    linear(context, normal, layer.gate, {}, gate);
    multiply(context, gate, inner);
  }
  const MatrixView<const float> residual = x;
  linear(context, inner, layer.output, {.residual = &residual}, x);
}

AlignedBuffer<float> load_t5_bias_table(LayerLoader& load, const WeightScope& stack, const T5Config& config) {
  return load.table(stack.scope("block.0.layer.0.SelfAttention.relative_attention_bias"), "weight",
                    config.buckets.count, config.heads);
}

T5EncoderStack T5EncoderStack::load(LayerLoader& load, const WeightScope& scope, const T5Config& config) {
  T5EncoderStack stack;
  for (int i = 0; i < config.encoder_layers; ++i) {
    const WeightScope block = scope.scope("block." + std::to_string(i));
    const WeightScope attention = block.scope("layer.0.SelfAttention");
    Layer layer;
    layer.norm = load.rms_norm(block.scope("layer.0.layer_norm"), config.hidden_size, config.epsilon);
    layer.qkv = load.linear(attention, {"q", "k", "v"}, config.hidden_size, config.inner_size(), LayerBias::kNone);
    layer.attention_output = load.linear(attention, {"o"}, config.inner_size(), config.hidden_size, LayerBias::kNone);
    layer.feed_forward = load_t5_feed_forward(load, block.scope("layer.1"), config);
    stack.m_layers.push_back(std::move(layer));
  }
  stack.m_bias_table = load_t5_bias_table(load, scope, config);
  stack.m_final_norm = load.rms_norm(scope.scope("final_layer_norm"), config.hidden_size, config.epsilon);
  return stack;
}

void T5EncoderStack::prepare(const T5Config& config) {
  const int longest = config.max_tokens - 1;
  const int entries = 2 * longest + 1 + kDistancePadding;
  m_distance_bias = AlignedBuffer<float>(static_cast<size_t>(config.heads) * static_cast<size_t>(entries));
  const AlignedBuffer<float>& table = m_bias_table;  // perhaps a packed file's, which is only read
  for (int entry = 0; entry < entries; ++entry) {
    const int bucket = t5_bucket(config.buckets, T5Direction::kBoth, entry - longest);
    const float* row = table.data() + static_cast<ptrdiff_t>(bucket) * config.heads;
    for (int head = 0; head < config.heads; ++head) {
      m_distance_bias.data()[static_cast<ptrdiff_t>(head) * entries + entry] = row[head];
    }
  }
}

void T5EncoderStack::forward(const ExecutionContext& context, std::span<const int32_t> offsets, const T5Config& config,
                             MatrixView<float> hidden, const LayerObserver* observer) const {
  TRACE_ZONE("t5_encoder");
  Arena& arena = context.scratch[0];
  const Arena::Scope scope(arena);
  const MatrixView<float> normal = arena.matrix(hidden.rows, config.hidden_size);
  const MatrixView<float> qkv = arena.matrix(hidden.rows, 3 * config.inner_size());
  const MatrixView<float> mixed = arena.matrix(hidden.rows, config.inner_size());
  const SelfAttention attention{.offsets = offsets,
                                .heads = config.heads,
                                .dtype = attention_dtype(*context.kernels, m_layers.front().qkv.weight.dtype()),
                                .scale = 1.0F,
                                .longest_distance = config.max_tokens - 1,
                                .distance_bias = m_distance_bias.data()};
  const MatrixView<const float> residual = hidden;
  if (observer != nullptr) (*observer)(0, hidden);
  for (size_t i = 0; i < m_layers.size(); ++i) {
    const Layer& layer = m_layers[i];
    rms_norm(context, hidden, layer.norm, normal);
    linear(context, normal, layer.qkv, {}, qkv);
    self_attention(context, qkv, attention, mixed);
    linear(context, mixed, layer.attention_output, {.residual = &residual}, hidden);
    run_t5_feed_forward(context, layer.feed_forward, config, hidden);
    if (i + 1 == m_layers.size()) rms_norm(context, hidden, m_final_norm, hidden);
    if (observer != nullptr) (*observer)(static_cast<int>(i) + 1, hidden);
  }
}

EncoderInfo t5_info(const T5Config& config, const LayerLoader& load, const WeightFiles& files) {
  return EncoderInfo{
      .architecture = "t5",
      .layers = config.encoder_layers,
      .hidden_size = config.hidden_size,
      .heads = config.heads,
      .intermediate_size = config.intermediate_size,
      .vocabulary_size = config.vocabulary_size,
      .type_vocabulary_size = 0,
      .max_tokens = config.max_tokens,
      .parameters = load.parameters(),
      .file_bytes = files.total_bytes(),
      .packed_bytes = load.packed_bytes(),
      .weights_dtype = std::string(dtype_name(files.tensors().begin()->second.dtype)),
  };
}

}  // namespace vivace
