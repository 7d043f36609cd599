#include "models/embedding_layer.h"

#include "ops/embedding.h"

namespace vivace {
namespace {

MatrixView<const float> view(const AlignedBuffer<float>& table, int rows, int columns) {
  return {table.data(), rows, columns, columns};
}

// Positions of tokens that are counted from padding_id + 1, padding tokens left out of the count.
std::span<const int32_t> count_after_padding(const BatchSlice& batch, int padding_id, Arena& arena) {
  static_assert(sizeof(int32_t) == sizeof(float) && alignof(int32_t) == alignof(float));
  const auto tokens = batch.ids.size();
  auto* positions = reinterpret_cast<int32_t*>(arena.floats(tokens));
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    int32_t next = padding_id + 1;
    for (auto token = static_cast<size_t>(batch.offsets[i]); token < static_cast<size_t>(batch.offsets[i + 1]);
         ++token) {
      positions[token] = batch.ids[token] == padding_id ? padding_id : next++;
    }
  }
  return {positions, tokens};
}

}  // namespace

EmbeddingLayer load_embedding_layer(LayerLoader& load, const WeightScope& embeddings,
                                    const EmbeddingLayerConfig& config) {
  const int hidden = config.hidden_size;
  EmbeddingLayer layer{.config = config, .words = {}, .types = {}, .positions = {}, .norm = {}};
  layer.words = load.table(embeddings, "word_embeddings.weight", config.vocabulary_size, hidden);
  if (config.types > 0) layer.types = load.table(embeddings, "token_type_embeddings.weight", config.types, hidden);
  if (config.positions > 0) {
    layer.positions = load.table(embeddings, "position_embeddings.weight", config.positions, hidden);
  }
  layer.norm = load.layer_norm(embeddings.scope("LayerNorm"), hidden, config.epsilon);
  return layer;
}

void embed(const ExecutionContext& context, const EmbeddingLayer& layer, const BatchSlice& batch,
           MatrixView<float> hidden) {
  const EmbeddingLayerConfig& config = layer.config;
  const Arena::Scope scope(context.scratch[0]);
  EmbeddingLookup lookups[3];
  size_t count = 0;
  lookups[count++] = {view(layer.words, config.vocabulary_size, config.hidden_size), batch.ids};
  if (config.types > 0) {
    lookups[count++] = {view(layer.types, config.types, config.hidden_size), batch.type_ids};
  }
  if (config.positions > 0) {
    const auto positions = config.padding_id.has_value()
                               ? count_after_padding(batch, *config.padding_id, context.scratch[0])
                               : batch.positions;
    lookups[count++] = {view(layer.positions, config.positions, config.hidden_size), positions};
  }
  sum_embeddings(context, std::span(lookups, count), hidden);
  layer_norm(context, hidden, layer.norm, hidden);
}

}  // namespace vivace
