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

// What a layer reads: rows, or what they are once they are prepared for it. One of both may lack its data.
struct LinearInput {
  MatrixView<const float> x{};
  PreparedRows prepared{};
};

struct LinearOptions {
  Activation activation = Activation::kNone;
  const MatrixView<const float>* residual = nullptr;  // like `out`, added after the activation; may view it
  // Of the layer's outputs the first that is computed; it begins a panel.
  int first_output = 0;
};

// How a table wants weights of that precision; kAuto is what it computes fastest without loss worth naming.
PanelLayout panel_layout(const KernelTable& kernels, Precision precision);
Precision resolve_precision(const KernelTable& kernels, Precision precision);

//   x    [rows, k] f32
//   out  [rows, n] f32; must not overlap x. With fewer columns: that many outputs from first_output on, whole panels
//        unless they are the last
// Work is split over rows when there are many, else over the columns (and a few parts of the rows, where the columns
// alone do not come out even), so that one short text uses all threads too. A row's result does not depend on the
// split. Rows of layers below fp32 are prepared in context.scratch[0].
void linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer,
            const LinearOptions& options, MatrixView<float> out);
void linear(const ExecutionContext& context, const LinearInput& input, const Linear& layer,
            const LinearOptions& options, MatrixView<float> out);

// activation(x · Wᵀ + b) as `next` reads it. Where that is less than fp32, a few rows at a time are computed and
// prepared while they are in the cache, and no more of them is ever written. Memory from context.scratch[0].
LinearInput linear_for(const ExecutionContext& context, const LinearInput& input, const Linear& layer,
                       Activation activation, const Linear& next);

// The input of a layer's product that is done part by part, whichever threads do it.
// Memory from context.scratch[0]; x must stay.
LinearInput prepare_linear(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer);

// The bits that linear() computes without options for some rows and the columns of some panels, on the calling thread.
//   out  [those rows, those columns]
void linear_part(const KernelTable& kernels, const LinearInput& x, const Linear& layer, Range rows, Range panels,
                 MatrixView<float> out);

}  // namespace vivace
