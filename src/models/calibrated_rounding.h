// Int8 weights rounded for what their layers read.
//
// Rounding each weight to its nearest number is best for inputs that have nothing to do with each other. Those of a
// trained layer do, so that the error of one weight can make up for another's. Given what the layers read of some texts
// (ops/input_recorder.h), the weights of an output are rounded one after the other, each after what the errors of those
// before it leave to make good (Frantar et al. 2022, GPTQ, in the form of Babai's nearest plane: Chen et al. 2025, The
// Geometry of LLM Quantization).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "formats/model_directory.h"
#include "models/load_target.h"
#include "models/packed_batch.h"
#include "ops/input_recorder.h"
#include "tensor/packed_matrix.h"

namespace vivace {

// What the layers of a directory's encoder, loaded for the target in fp32, read of a batch, by the names that
// LayerLoader gives them. The errors of load_encoder().
Result<std::map<std::string, InputProducts>> record_inputs(const ModelDirectory& directory, const LoadTarget& target,
                                                           const PackedBatch& batch, ThreadPool& pool);

// Whole numbers for the weights [n, k] of that int8 matrix of them: [n, k], zeros for its outliers; its scales stay.
// Empty when the products say nothing: they are zeros, or not finite. The pool's threads share the outputs; how many
// there are does not change a number.
std::vector<int8_t> round_for_inputs(const InputProducts& products, const float* weights, const PackedMatrix& matrix,
                                     ThreadPool& pool);

// For whom loads a model, perhaps several times: each layer is rounded once. Not thread-safe.
class CalibratedRounding {
 public:
  // pool: to share the work, which is not to be used by others meanwhile.
  CalibratedRounding(std::map<std::string, InputProducts> products, ThreadPool& pool)
      : m_products(std::move(products)), m_pool(pool) {}

  // Rounds an int8 matrix of those weights [n, k] anew. A layer that nothing is known of stays as it is.
  void round(const std::string& layer, const float* weights, PackedMatrix* matrix);

  // Layers that it has rounded so far.
  int rounded_layers() const {
    return static_cast<int>(std::ranges::count_if(m_integers, [](const auto& each) { return !each.second.empty(); }));
  }

 private:
  std::map<std::string, InputProducts> m_products;  // of layers that are still to come
  std::map<std::string, std::vector<int8_t>> m_integers;
  ThreadPool& m_pool;
};

}  // namespace vivace
