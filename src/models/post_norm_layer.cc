#include "models/post_norm_layer.h"

#include "ops/first_tokens.h"
#include "telemetry/trace.h"

namespace vivace {

PostNormLayer load_post_norm_layer(LayerLoader& load, const WeightScope& layer, const PostNormNames& names,
                                   const PostNormConfig& config) {
  const int hidden = config.hidden_size;
  const auto& [query, key, value] = names.qkv;
  return PostNormLayer{
      .qkv = load.linear(layer, {query, key, value}, hidden, hidden),
      .attention_output = load.linear(layer, {names.attention_output}, hidden, hidden),
      .attention_norm = load.layer_norm(layer.scope(names.attention_norm), hidden, config.epsilon),
      .intermediate = load.linear(layer, {names.intermediate}, hidden, config.intermediate_size),
      .output = load.linear(layer, {names.output}, config.intermediate_size, hidden),
      .output_norm = load.layer_norm(layer.scope(names.output_norm), hidden, config.epsilon),
  };
}

PostNormBuffers post_norm_buffers(Arena& arena, int tokens, const PostNormConfig& config) {
  return PostNormBuffers{
      .qkv = arena.matrix(tokens, 3 * config.hidden_size),
      .attention = arena.matrix(tokens, config.hidden_size),
      .intermediate = arena.matrix(tokens, config.intermediate_size),
  };
}

namespace {

// What follows attention, for any rows.
void finish_post_norm_layer(const ExecutionContext& context, const PostNormLayer& layer, const PostNormConfig& config,
                            const PostNormBuffers& buffers, MatrixView<float> x) {
  const MatrixView<const float> residual = x;
  const LinearOptions add_residual{.residual = &residual};
  linear(context, buffers.attention, layer.attention_output, add_residual, x);
  layer_norm(context, x, layer.attention_norm, x);
  linear(context, x, layer.intermediate, {.activation = config.activation}, buffers.intermediate);
  linear(context, buffers.intermediate, layer.output, add_residual, x);
  layer_norm(context, x, layer.output_norm, x);
}

// The same layer where nobody reads more of it than the first row of each sequence.
void run_for_first_tokens(const ExecutionContext& context, const PostNormLayer& layer, const PostNormConfig& config,
                          const SelfAttention& attention, const PostNormBuffers& buffers, MatrixView<float> x) {
  const int sequences = static_cast<int>(attention.offsets.size()) - 1;
  Arena& arena = context.scratch[0];
  const Arena::Scope scope(arena);
  const MatrixView<float> first = arena.matrix(sequences, x.columns);
  PostNormBuffers few = buffers;
  few.attention = buffers.attention.slice_rows(0, sequences);
  few.intermediate = buffers.intermediate.slice_rows(0, sequences);
  project_for_first_tokens(context, x, layer.qkv, attention.offsets, buffers.qkv);
  self_attention(context, buffers.qkv, attention, few.attention);
  gather_first_tokens(x, attention.offsets, first);
  finish_post_norm_layer(context, layer, config, few, first);
  scatter_first_tokens(first, attention.offsets, x);
}

}  // namespace

void run_post_norm_layer(const ExecutionContext& context, const PostNormLayer& layer, const PostNormConfig& config,
                         const SelfAttention& attention, const PostNormBuffers& buffers, MatrixView<float> x) {
  TRACE_ZONE("layer");
  if (attention.first_tokens_only) {
    run_for_first_tokens(context, layer, config, attention, buffers, x);
    return;
  }
  linear(context, x, layer.qkv, {}, buffers.qkv);
  self_attention(context, buffers.qkv, attention, buffers.attention);
  finish_post_norm_layer(context, layer, config, buffers, x);
}

}  // namespace vivace
