#include "engine/model_comparison.h"

#include <algorithm>
#include <cmath>

#include "heads/encoder_model.h"
#include "models/encoder_decoder.h"

namespace vivace {
namespace {

int32_t best_of(const float* scores, int count) {
  return static_cast<int32_t>(std::max_element(scores, scores + count) - scores);
}

LayerObserver keep_layers(ModelBehaviour* behaviour) {
  return [behaviour](int, MatrixView<const float> hidden) {
    std::vector<float>& kept = behaviour->layers.emplace_back();
    for (int row = 0; row < hidden.rows; ++row) {
      kept.insert(kept.end(), hidden.row(row), hidden.row(row) + hidden.columns);
    }
  };
}

void keep_means(const PackedBatch& batch, ModelBehaviour* behaviour) {
  const int columns = behaviour->hidden_size;
  const std::vector<float>& last = behaviour->layers.back();
  behaviour->result_size = columns;
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    std::vector<float> mean(static_cast<size_t>(columns), 0.0F);
    for (int token = batch.offsets[i]; token < batch.offsets[i + 1]; ++token) {
      const float* row = last.data() + static_cast<ptrdiff_t>(token) * columns;
      for (int d = 0; d < columns; ++d) mean[static_cast<size_t>(d)] += row[d];
    }
    behaviour->results.insert(behaviour->results.end(), mean.begin(), mean.end());
  }
}

BatchSlice whole(const PackedBatch& batch) {
  return {.ids = batch.ids, .positions = batch.positions, .type_ids = batch.type_ids, .offsets = batch.offsets};
}

Result<ModelBehaviour> observe_writer(const ModelDirectory& directory, const LoadTarget& target,
                                      const PackedBatch& batch, ThreadPool& pool) {
  ASSIGN_OR_RETURN(const auto model, load_encoder_decoder(directory, target));
  ModelBehaviour behaviour{.hidden_size = model->info().encoder.hidden_size,
                           .layers = {},
                           .result_size = model->info().encoder.vocabulary_size,
                           .results = {},
                           .labels = {}};
  ForwardWorkspace workspace(pool.threads());
  const ExecutionContext context{&target.kernels, &pool, workspace.arenas()};
  const LayerObserver observer = keep_layers(&behaviour);
  const auto sources = model->encode(context, whole(batch), &observer);
  const int vocabulary = behaviour.result_size;
  std::vector<float> logits(static_cast<size_t>(vocabulary));
  constexpr int32_t kStart[] = {0};  // the padding token, which T5's decoders are started with
  for (const EncodedSource& source : sources) {
    DecoderState state = model->start(source);
    const DecoderStep step{.state = &state, .ids = kStart};
    model->decode(context, {&step, 1}, {logits.data(), 1, vocabulary, vocabulary}, nullptr);
    behaviour.results.insert(behaviour.results.end(), logits.begin(), logits.end());
    behaviour.labels.push_back(best_of(logits.data(), vocabulary));
  }
  return behaviour;
}

Result<void> keep_labels(const ModelDirectory& directory, const LoadTarget& target, const PackedBatch& batch,
                         ThreadPool& pool, ModelBehaviour* behaviour) {
  ASSIGN_OR_RETURN(const auto model, load_encoder_model(directory, target));
  ForwardWorkspace workspace(pool.threads());
  for (const ModelOutput output : {ModelOutput::kSequenceLogits, ModelOutput::kTokenLogits}) {
    if (model->columns(output) <= 1) continue;
    ASSIGN_OR_RETURN(const MatrixView<const float> logits, model->run(batch, output, pool, workspace));
    for (int row = 0; row < logits.rows; ++row) behaviour->labels.push_back(best_of(logits.row(row), logits.columns));
  }
  return {};
}

}  // namespace

Result<ModelBehaviour> observe_model(const ModelDirectory& directory, const LoadTarget& target,
                                     const PackedBatch& batch, ThreadPool& pool) {
  if (writes_text(directory)) return observe_writer(directory, target, batch, pool);
  ASSIGN_OR_RETURN(const auto encoder, load_encoder(directory, target));
  ModelBehaviour behaviour;
  behaviour.hidden_size = encoder->info().hidden_size;
  ForwardWorkspace workspace(pool.threads());
  std::vector<float> hidden(static_cast<size_t>(batch.tokens()) * static_cast<size_t>(behaviour.hidden_size));
  const LayerObserver observer = keep_layers(&behaviour);
  encoder->forward({&target.kernels, &pool, workspace.arenas()}, whole(batch),
                   {hidden.data(), batch.tokens(), behaviour.hidden_size, behaviour.hidden_size}, &observer);
  keep_means(batch, &behaviour);
  if (directory.task().task == ModelTask::kEmbedding) return behaviour;
  RETURN_IF_ERROR(keep_labels(directory, target, batch, pool, &behaviour));
  return behaviour;
}

Closeness compare_rows(const std::vector<float>& a, const std::vector<float>& b, int columns) {
  const size_t rows = a.size() / static_cast<size_t>(columns);
  if (rows == 0) return {};
  Closeness closeness{.mean = 0, .lowest = 1};
  for (size_t row = 0; row < rows; ++row) {
    double product = 0;
    double length_a = 0;
    double length_b = 0;
    for (size_t i = row * static_cast<size_t>(columns); i < (row + 1) * static_cast<size_t>(columns); ++i) {
      product += static_cast<double>(a[i]) * static_cast<double>(b[i]);
      length_a += static_cast<double>(a[i]) * static_cast<double>(a[i]);
      length_b += static_cast<double>(b[i]) * static_cast<double>(b[i]);
    }
    const double lengths = std::sqrt(length_a * length_b);
    const double cosine = lengths > 0 ? product / lengths : 1;
    closeness.mean += cosine / static_cast<double>(rows);
    closeness.lowest = std::min(closeness.lowest, cosine);
  }
  return closeness;
}

std::optional<double> label_agreement(const ModelBehaviour& a, const ModelBehaviour& b) {
  if (a.labels.empty() || a.labels.size() != b.labels.size()) return std::nullopt;
  size_t same = 0;
  for (size_t i = 0; i < a.labels.size(); ++i) same += a.labels[i] == b.labels[i] ? 1 : 0;
  return static_cast<double>(same) / static_cast<double>(a.labels.size());
}

}  // namespace vivace
