// What the layers of a model read: of each one the Gram matrix of its inputs. It tells how much an error of a weight,
// or of two weights together, costs in the layer's outputs: for weights off by e, Σ (x·e)² = eᵀ·(Σ x·xᵀ)·e over all
// rows x (LeCun, Denker and Solla 1989, Optimal Brain Damage; Frantar et al. 2022, GPTQ).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "ops/execution_context.h"
#include "tensor/aligned_buffer.h"
#include "tensor/packed_matrix.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct InputProducts {
  int inputs = 0;
  size_t rows = 0;              // that were added up
  AlignedBuffer<float> sums{};  // Σ x·xᵀ, [inputs, inputs]
};

// Of a model whose layers are fp32. Not thread-safe.
class InputRecorder {
 public:
  // A layer to record, which stays known by where its panels lie. Another one that comes to lie there takes its place.
  void add_layer(const std::string& name, const PackedMatrix& weight);

  // For linear(): adds the rows x [rows, inputs] to what that layer has read, if it is one of those to record. Shares
  // the work among the context's threads.
  void record(const ExecutionContext& context, const PackedMatrix& weight, MatrixView<const float> x);

  // By the layers' names, those that have read something; they are recorded no further.
  std::map<std::string, InputProducts> take_products() { return std::exchange(m_products, {}); }

 private:
  std::map<const std::byte*, std::string> m_names;
  std::map<std::string, InputProducts> m_products;
};

}  // namespace vivace
