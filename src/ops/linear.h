// Linear layers: y = activation(x · Wᵀ + b) + residual, over all tokens of a packed batch.
#pragma once

#include "kernels/kernel_table.h"
#include "ops/execution_context.h"
#include "ops/prepared_rows.h"
#include "tensor/aligned_buffer.h"
#include "tensor/packed_matrix.h"
#include "tensor/precision.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct Linear {
  PackedMatrix weight;        // k inputs, n outputs; its dtype says in which precision the layer is computed
  AlignedBuffer<float> bias;  // [n]
  size_t bytes() const { return weight.bytes() + bias.bytes(); }
};

struct LinearOptions {
  Activation activation = Activation::kNone;
  const MatrixView<const float>* residual = nullptr;  // [rows, n], added after the activation; may view `out`
};

// How a table wants weights of that precision; kAuto is what it computes fastest without loss worth naming.
PanelLayout panel_layout(const KernelTable& kernels, Precision precision);
Precision resolve_precision(const KernelTable& kernels, Precision precision);

//   x    [rows, k] f32
//   out  [rows, n] f32; must not overlap x
// Work is split over rows when there are many, else over the columns, so that one short text uses all threads too.
// A row's result does not depend on the split. Rows of layers below fp32 are prepared in context.scratch[0].
void linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer,
            const LinearOptions& options, MatrixView<float> out);

// The rows of a layer's product, ready to be multiplied part by part, whichever threads do it.
struct LinearRows {
  MatrixView<const float> x;  // [rows, k]
  PreparedRows prepared;      // of layers below fp32
};
// Memory from context.scratch[0]; x must stay.
LinearRows prepare_linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer);

// The bits that linear() computes without options for some rows and the columns of some panels, on the calling thread.
//   out  [those rows, those columns]
void linear_part(const KernelTable& kernels, const LinearRows& x, const Linear& layer, Range rows, Range panels,
                 MatrixView<float> out);

}  // namespace vivace
