#include "models/t5.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "models/t5_layers.h"
#include "ops/cached_attention.h"
#include "ops/embedding.h"
#include "ops/rms_norm.h"
#include "ops/shortlist.h"
#include "telemetry/trace.h"

namespace vivace {
namespace {

struct T5DecoderLayer {
  RmsNorm self_norm;
  Linear self_queries;
  Linear self_keys_values;
  Linear self_output;
  RmsNorm cross_norm;
  Linear cross_queries;
  Linear cross_keys_values;
  Linear cross_output;
  T5FeedForward feed_forward;
};

struct T5Weights {
  AlignedBuffer<float> words;  // empty when the output matrix serves as the words' table too
  Linear output;               // hidden states → logits
  Shortlist shortlist;         // of the output
  T5EncoderStack encoder;
  std::vector<T5DecoderLayer> decoder;
  RmsNorm final_norm;
  AlignedBuffer<float> bias_table;     // of the decoder
  AlignedBuffer<float> distance_bias;  // as CachedAttention::distance_bias
};

// `load` of what is computed for each token of the source: like the encoder's layers.
T5DecoderLayer load_decoder_layer(LayerLoader& load, LayerLoader& writing, const WeightScope& block,
                                  const T5Config& config) {
  const auto attention_part = [&](const WeightScope& scope, std::initializer_list<std::string_view> names) {
    return writing.linear(scope, names, config.hidden_size, config.inner_size(), LayerBias::kNone);
  };
  const auto output = [&](const WeightScope& scope) {
    return writing.linear(scope, {"o"}, config.inner_size(), config.hidden_size, LayerBias::kNone);
  };
  const WeightScope self = block.scope("layer.0.SelfAttention");
  const WeightScope cross = block.scope("layer.1.EncDecAttention");
  return T5DecoderLayer{
      .self_norm = writing.rms_norm(block.scope("layer.0.layer_norm"), config.hidden_size, config.epsilon),
      .self_queries = attention_part(self, {"q"}),
      .self_keys_values = attention_part(self, {"k", "v"}),
      .self_output = output(self),
      .cross_norm = writing.rms_norm(block.scope("layer.1.layer_norm"), config.hidden_size, config.epsilon),
      .cross_queries = attention_part(cross, {"q"}),
      .cross_keys_values = load.linear(cross, {"k", "v"}, config.hidden_size, config.inner_size(), LayerBias::kNone),
      .cross_output = output(cross),
      .feed_forward = load_t5_feed_forward(writing, block.scope("layer.2"), config),
  };
}

bool same_values(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::memcmp(a.data, b.data, a.bytes()) == 0;
}

// The output matrix is the words' table unless the checkpoint has another one. One copy in memory serves for both.
void load_words(LayerLoader& load, const WeightScope& root, const T5Config& config, T5Weights* weights) {
  const Shape shape{config.vocabulary_size, config.hidden_size};
  bool own_output = !config.tied;
  if (config.tied && root.has("lm_head.weight")) {
    const TensorView output = root.tensor("lm_head.weight", shape);
    const TensorView words = root.tensor("shared.weight", shape);
    if (output.data == nullptr || words.data == nullptr) return;  // reported
    const bool packed = load.target().packed != nullptr;
    own_output = packed ? load.is_packed(root, "lm_head") : !same_values(output, words);
  }
  // A matrix in less than fp32 cannot be the words' table too.
  if (!own_output && !load.is_fp32()) {
    LayerLoader exact = load.in_fp32();
    weights->words = exact.table(root, "shared.weight", config.vocabulary_size, config.hidden_size);
    load.count_bytes(exact.packed_bytes());
  }
  if (own_output) weights->words = load.table(root, "shared.weight", config.vocabulary_size, config.hidden_size);
  const std::string_view name = own_output ? "lm_head" : "shared";
  weights->output = load.linear(root, {name}, config.hidden_size, config.vocabulary_size, LayerBias::kNone);
  weights->shortlist = load.shortlist(root, name, weights->output);
}

T5Weights load_weights(LayerLoader& load, const WeightScope& root, const T5Config& config) {
  T5Weights weights;
  const WeightScope decoder = root.scope("decoder");
  load_words(load, root, config, &weights);
  weights.encoder = T5EncoderStack::load(load, root.scope("encoder"), config);
  LayerLoader writing = load.for_decoder();
  for (int i = 0; i < config.decoder_layers; ++i) {
    weights.decoder.push_back(load_decoder_layer(load, writing, decoder.scope("block." + std::to_string(i)), config));
  }
  load.count_parameters(writing.parameters());
  load.count_bytes(writing.packed_bytes());
  weights.final_norm = load.rms_norm(decoder.scope("final_layer_norm"), config.hidden_size, config.epsilon);
  weights.bias_table = load_t5_bias_table(load, decoder, config);
  return weights;
}

AlignedBuffer<float> causal_bias(const T5Config& config, const AlignedBuffer<float>& table) {
  const int entries = config.max_tokens;
  AlignedBuffer<float> bias(static_cast<size_t>(config.heads) * static_cast<size_t>(entries));
  for (int entry = 0; entry < entries; ++entry) {
    const int bucket = t5_bucket(config.buckets, T5Direction::kCausal, entry - (entries - 1));
    for (int head = 0; head < config.heads; ++head) {
      bias.data()[static_cast<ptrdiff_t>(head) * entries + entry] =
          table.data()[static_cast<ptrdiff_t>(bucket) * config.heads + head];
    }
  }
  return bias;
}

// Of all steps: more than a step asks for is no mistake.
std::vector<int32_t> tokens_apart(std::span<const DecoderStep> steps) {
  std::vector<int32_t> apart;
  for (const DecoderStep& step : steps) {
    for (const int32_t id : step.apart) {
      if (std::ranges::find(apart, id) == apart.end()) apart.push_back(id);
    }
  }
  return apart;
}

class T5 final : public EncoderDecoder {
 public:
  T5(EncoderDecoderInfo info, const T5Config& config, T5Weights weights)
      : m_info(std::move(info)), m_config(config), m_weights(std::move(weights)) {}

  const EncoderDecoderInfo& info() const override { return m_info; }

  std::vector<EncodedSource> encode(const ExecutionContext& context, const BatchSlice& sources,
                                    const LayerObserver* observer) const override {
    Arena& arena = context.scratch[0];
    const Arena::Scope scope(arena);
    const MatrixView<float> hidden = arena.matrix(sources.tokens(), m_config.hidden_size);
    embed(context, sources.ids, hidden);
    m_weights.encoder.forward(context, sources.offsets, m_config, hidden, observer);
    std::vector<EncodedSource> encoded;
    for (size_t i = 0; i + 1 < sources.offsets.size(); ++i) {
      const MatrixView<float> states = hidden.slice_rows(sources.offsets[i], sources.offsets[i + 1]);
      CHECK(states.rows > 0 && states.rows <= m_config.max_tokens);
      encoded.push_back(read_by_decoder(context, states));
    }
    return encoded;
  }

  DecoderState start(EncodedSource source) const override {
    return {std::move(source), KeyValueCache(m_config.decoder_layers, 2 * m_config.inner_size())};
  }

  void decode(const ExecutionContext& context, std::span<const DecoderStep> steps, MatrixView<float> logits,
              const LayerObserver* observer) const override {
    TRACE_ZONE("t5_decode");
    Arena& arena = context.scratch[0];
    const Arena::Scope scope(arena);
    std::vector<int32_t> ids;
    std::vector<CachedSequence> sequences = take_tokens(steps, &ids);
    const auto rows = static_cast<int>(ids.size());
    CHECK(logits.rows == rows && logits.columns == m_config.vocabulary_size);
    const Buffers buffers{.hidden = arena.matrix(rows, m_config.hidden_size),
                          .normal = arena.matrix(rows, m_config.hidden_size),
                          .queries = arena.matrix(rows, m_config.inner_size()),
                          .keys_values = arena.matrix(rows, 2 * m_config.inner_size()),
                          .mixed = arena.matrix(rows, m_config.inner_size())};
    embed(context, ids, buffers.hidden);
    if (observer != nullptr) (*observer)(0, buffers.hidden);
    for (int i = 0; i < m_config.decoder_layers; ++i) {
      attend_to_past(context, i, steps, buffers, sequences);
      attend_to_source(context, i, steps, buffers, sequences);
      run_t5_feed_forward(context, m_weights.decoder[static_cast<size_t>(i)].feed_forward, m_config, buffers.hidden);
      if (i + 1 == m_config.decoder_layers) rms_norm(context, buffers.hidden, m_weights.final_norm, buffers.hidden);
      if (observer != nullptr) (*observer)(i + 1, buffers.hidden);
    }
    if (m_config.scaled_logits) scale(*context.kernels, buffers.hidden);
    const bool only_highest =
        std::ranges::all_of(steps, [](const DecoderStep& step) { return step.use == LogitUse::kHighest; });
    if (!only_highest || m_weights.shortlist.empty()) {
      linear(context, buffers.hidden, m_weights.output, {}, logits);
    } else {
      linear_highest(context, buffers.hidden, m_weights.output, m_weights.shortlist, tokens_apart(steps), logits);
    }
  }

 private:
  struct Buffers {
    MatrixView<float> hidden;
    MatrixView<float> normal;
    MatrixView<float> queries;
    MatrixView<float> keys_values;
    MatrixView<float> mixed;
  };

  void embed(const ExecutionContext& context, std::span<const int32_t> ids, MatrixView<float> hidden) const {
    if (m_weights.words.size() > 0) {
      const EmbeddingLookup words{
          {m_weights.words.data(), m_config.vocabulary_size, m_config.hidden_size, m_config.hidden_size}, ids};
      sum_embeddings(context, std::span(&words, 1), hidden);
      return;
    }
    context.run([&](int thread) {
      const Range rows = split_range(hidden.rows, context.threads(), thread);
      for (int row = rows.begin; row < rows.end; ++row) {
        m_weights.output.weight.unpack_row(ids[static_cast<size_t>(row)], hidden.row(row));
      }
    });
  }

  EncodedSource read_by_decoder(const ExecutionContext& context, MatrixView<const float> states) const {
    auto source = std::make_shared<KeyValueCache>(m_config.decoder_layers, 2 * m_config.inner_size());
    source->extend(states.rows);
    for (int i = 0; i < m_config.decoder_layers; ++i) {
      linear(context, states, m_weights.decoder[static_cast<size_t>(i)].cross_keys_values, {},
             source->rows(i, 0, states.rows));
    }
    return source;
  }

  // Makes room in the states for the steps' tokens and tells which rows belong to which step.
  std::vector<CachedSequence> take_tokens(std::span<const DecoderStep> steps, std::vector<int32_t>* ids) const {
    std::vector<CachedSequence> sequences;
    for (const DecoderStep& step : steps) {
      const auto count = static_cast<int>(step.ids.size());
      CHECK(count > 0 && step.state->past.tokens() + count <= m_config.max_tokens);
      sequences.push_back({.first_row = static_cast<int>(ids->size()), .rows = count, .keys_values = {}});
      ids->insert(ids->end(), step.ids.begin(), step.ids.end());
      step.state->past.extend(count);
    }
    return sequences;
  }

  void attend_to_past(const ExecutionContext& context, int index, std::span<const DecoderStep> steps,
                      const Buffers& buffers, std::vector<CachedSequence>& sequences) const {
    const T5DecoderLayer& layer = m_weights.decoder[static_cast<size_t>(index)];
    rms_norm(context, buffers.hidden, layer.self_norm, buffers.normal);
    linear(context, buffers.normal, layer.self_queries, {}, buffers.queries);
    linear(context, buffers.normal, layer.self_keys_values, {}, buffers.keys_values);
    for (size_t i = 0; i < steps.size(); ++i) {
      CachedSequence& sequence = sequences[i];
      KeyValueCache& past = steps[i].state->past;
      const MatrixView<float> fresh = past.rows(index, past.tokens() - sequence.rows, past.tokens());
      std::memcpy(fresh.data, buffers.keys_values.row(sequence.first_row),
                  static_cast<size_t>(fresh.rows) * static_cast<size_t>(fresh.columns) * sizeof(float));
      sequence.keys_values = past.all_rows(index);
      sequence.first_visible = past.tokens() - sequence.rows + 1;
    }
    cached_attention(context, buffers.queries,
                     {.sequences = sequences,
                      .heads = m_config.heads,
                      .distance_bias = m_weights.distance_bias.data(),
                      .longest_distance = m_config.max_tokens - 1},
                     buffers.mixed);
    const MatrixView<const float> residual = buffers.hidden;
    linear(context, buffers.mixed, layer.self_output, {.residual = &residual}, buffers.hidden);
  }

  void attend_to_source(const ExecutionContext& context, int index, std::span<const DecoderStep> steps,
                        const Buffers& buffers, std::vector<CachedSequence>& sequences) const {
    const T5DecoderLayer& layer = m_weights.decoder[static_cast<size_t>(index)];
    rms_norm(context, buffers.hidden, layer.cross_norm, buffers.normal);
    linear(context, buffers.normal, layer.cross_queries, {}, buffers.queries);
    for (size_t i = 0; i < steps.size(); ++i) {
      sequences[i].keys_values = steps[i].state->source->all_rows(index);
      sequences[i].first_visible = sequences[i].keys_values.rows;
    }
    cached_attention(context, buffers.queries, {.sequences = sequences, .heads = m_config.heads}, buffers.mixed);
    const MatrixView<const float> residual = buffers.hidden;
    linear(context, buffers.mixed, layer.cross_output, {.residual = &residual}, buffers.hidden);
  }

  void scale(const KernelTable& kernels, MatrixView<float> hidden) const {
    const float factor = 1.0F / std::sqrt(static_cast<float>(m_config.hidden_size));
    for (int row = 0; row < hidden.rows; ++row) {
      kernels.scale_f32(factor, hidden.row(row), static_cast<size_t>(hidden.columns));
    }
  }

  EncoderDecoderInfo m_info;
  T5Config m_config;
  T5Weights m_weights;
};

}  // namespace

Result<std::unique_ptr<const EncoderDecoder>> load_t5(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const T5Config config, read_t5_config(directory.config()));
  ASSIGN_OR_RETURN(const WeightFiles files, open_weights(directory.path(), target));
  WeightLoader loader(files);
  const WeightScope root = loader.root();
  // Copies of the words' table, a table of position biases that no model reads, and an output matrix that is the
  // words' table.
  for (const char* name : {"encoder.embed_tokens.", "decoder.embed_tokens.", "lm_head.",
                           "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias."}) {
    loader.ignore(name);
  }
  LayerLoader load(loader, target, config.hidden_size);
  T5Weights weights = load_weights(load, root, config);
  RETURN_IF_ERROR(loader.finish());
  weights.encoder.prepare(config);
  weights.distance_bias = causal_bias(config, weights.bias_table);
  EncoderDecoderInfo info{.encoder = t5_info(config, load, files),
                          .decoder_layers = config.decoder_layers,
                          .max_target_tokens = config.max_tokens};
  return std::make_unique<const T5>(std::move(info), config, std::move(weights));
}

}  // namespace vivace
