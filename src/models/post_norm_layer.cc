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

PostNormBuffers post_norm_buffers(const ExecutionContext& context, int tokens, const PostNormConfig& config,
                                  const PostNormLayer& layer) {
  Arena& arena = context.scratch[0];
  PostNormBuffers buffers{
      .qkv = arena.matrix(tokens, 3 * config.hidden_size),
      .attention = arena.matrix(tokens, config.hidden_size),
      .prepared = {},
  };
  if (layer.qkv.weight.dtype() != DType::kF32) {
    buffers.prepared = prepared_memory(arena, *context.kernels, tokens, config.hidden_size);
  }
  return buffers;
}

namespace {

// What the rows of a layer are prepared in, for its second half and for the next layer.
struct PreparedHalves {
  PreparedRows second;
  PreparedRows next;
};

// What follows attention.
LinearInput finish_together(const ExecutionContext& context, const PostNormStep& step, MatrixView<const float> attended,
                            const PreparedHalves& memory, MatrixView<float> x) {
  const Arena::Scope scope(context.scratch[0]);
  const PostNormLayer& layer = step.layer;
  const MatrixView<const float> residual = x;
  const LinearOptions add_residual{.residual = &residual};
  linear(context, attended, layer.attention_output, add_residual, x);
  const LinearInput normal = layer_norm_for(context, x, layer.attention_norm, layer.intermediate, memory.second);
  const LinearInput inner = linear_for(context, normal, layer.intermediate, step.config.activation, layer.output);
  linear(context, inner, layer.output, add_residual, x);
  if (step.next != nullptr) return layer_norm_for(context, x, layer.output_norm, step.next->qkv, memory.next);
  layer_norm(context, x, layer.output_norm, x);
  return {.x = x};
}

// The same with each thread alone for its own rows: none waits for another, and no row goes from core to core.
LinearInput finish_by_rows(const ExecutionContext& context, const PostNormStep& step, MatrixView<const float> attended,
                           const PreparedRows& prepared, MatrixView<float> x) {
  const bool is_prepared = prepared.data != nullptr;
  const bool is_next_prepared = is_prepared && step.next != nullptr && step.next->qkv.weight.dtype() != DType::kF32;
  context.run([&](int thread) {
    const ExecutionContext alone = context.of_thread(thread);
    const Range rows = split_range(x.rows, context.threads(), thread);
    const Arena::Scope scope(alone.scratch[0]);
    PreparedHalves memory;
    if (is_prepared) {
      memory.second = prepared_memory(alone.scratch[0], *context.kernels, rows.end - rows.begin, x.columns);
      if (is_next_prepared) memory.next = slice_rows(*context.kernels, prepared, step.next->qkv.weight, rows);
    }
    finish_together(alone, step, attended.slice_rows(rows.begin, rows.end), memory, x.slice_rows(rows.begin, rows.end));
  });
  return is_next_prepared ? LinearInput{.x = x, .prepared = prepared} : LinearInput{.x = x};
}

LinearInput finish_layer(const ExecutionContext& context, const PostNormStep& step, MatrixView<const float> attended,
                         const PreparedRows& prepared, MatrixView<float> x) {
  if (context.threads() > 1 && context.splits_by_rows(x.rows) && context.recorder == nullptr) {
    return finish_by_rows(context, step, attended, prepared, x);
  }
  return finish_together(context, step, attended, {prepared, prepared}, x);
}

// The same layer where nobody reads more of it than the first row of each sequence.
void run_for_first_tokens(const ExecutionContext& context, const PostNormStep& step, const SelfAttention& attention,
                          const PostNormBuffers& buffers, const LinearInput& input, MatrixView<float> x) {
  const int sequences = static_cast<int>(attention.offsets.size()) - 1;
  Arena& arena = context.scratch[0];
  const Arena::Scope scope(arena);
  const MatrixView<float> first = arena.matrix(sequences, x.columns);
  const MatrixView<float> attended = buffers.attention.slice_rows(0, sequences);
  project_for_first_tokens(context, input, step.layer.qkv, attention.offsets, buffers.qkv);
  self_attention(context, buffers.qkv, attention, attended);
  gather_first_tokens(x, attention.offsets, first);
  finish_layer(context, step, attended, buffers.prepared, first);
  scatter_first_tokens(first, attention.offsets, x);
}

}  // namespace

LinearInput run_post_norm_layer(const ExecutionContext& context, const PostNormStep& step,
                                const SelfAttention& attention, const PostNormBuffers& buffers,
                                const LinearInput& input, MatrixView<float> x) {
  TRACE_ZONE("layer");
  if (attention.first_tokens_only) {
    run_for_first_tokens(context, {step.config, step.layer}, attention, buffers, input, x);
    return {.x = x};
  }
  project_and_attend(context, input, step.layer.qkv, attention, buffers.qkv, buffers.attention);
  return finish_layer(context, step, buffers.attention, buffers.prepared, x);
}

}  // namespace vivace
