// The Dense modules of sentence-transformers, which change a text's vector after pooling.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "formats/model_directory.h"
#include "kernels/kernel_table.h"
#include "ops/linear.h"

namespace vivace {

struct DenseLayer {
  Linear layer;
  Activation activation = Activation::kNone;
};

// Reads module.directory/model.safetensors. kUnsupported for an activation that we do not compute or weights that are
// only there as a pickle; kCorruptFile when tensors do not fit.
Result<DenseLayer> load_dense_layer(const DenseModule& module, const KernelTable& kernels);

// activation(W·x + b), on the calling thread.
std::vector<float> run_dense(const KernelTable& kernels, const DenseLayer& dense, std::span<const float> x);

}  // namespace vivace
