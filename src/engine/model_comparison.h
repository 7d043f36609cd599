// What a model computes of some texts, and how close that is to what another one computes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/model_packing.h"
#include "formats/model_directory.h"
#include "models/load_target.h"
#include "models/packed_batch.h"

namespace vivace {

struct ModelBehaviour {
  int hidden_size = 0;
  std::vector<std::vector<float>> layers;  // [tokens, hidden_size] of each
  int result_size = 0;
  std::vector<float> results;   // [texts, result_size]
  std::vector<int32_t> labels;  // the best of each text or token; empty: the model has none
};

// Loads the model and runs it on the batch, every sequence of which the decoder is started behind, if there is one.
Result<ModelBehaviour> observe_model(const ModelDirectory& directory, const LoadTarget& target,
                                     const PackedBatch& batch, ThreadPool& pool);

// Of rows of `columns` values.
Closeness compare_rows(const std::vector<float>& a, const std::vector<float>& b, int columns);

// Of models with labels.
std::optional<double> label_agreement(const ModelBehaviour& a, const ModelBehaviour& b);

}  // namespace vivace
