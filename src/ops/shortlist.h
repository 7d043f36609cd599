// Which output of a wide linear layer is the highest, without computing all of them exactly.
//
// A copy of the weights in int8 gives every output roughly and, with norms that are known beforehand, how far off it
// can be: for rows x, x̂ and weights w, ŵ as the layer and the copy multiply them,
//   |x·w - x̂·ŵ| ≤ ‖x‖·‖w - ŵ‖ + ‖x - x̂‖·‖ŵ‖   (Cauchy-Schwarz)
// and a little for the rounding of both sums. Only what may be the highest after that is computed by the layer itself,
// to the same bits as always, so the highest output is what linear() would have found, ties included. A quarter of
// fp32's bytes is read for it.
#pragma once

#include <cstdint>
#include <span>

#include "ops/linear.h"

namespace vivace {

struct Shortlist {
  Linear coarse;  // the layer in int8; empty: there is no shortlist
  // Of each output at least ‖ŵ‖, then of each at least ‖w - ŵ‖. Both are rounded up.
  AlignedBuffer<float> norms;

  bool empty() const { return norms.size() == 0; }
  size_t bytes() const { return coarse.bytes() + norms.bytes(); }
};

// Shortlist::norms of a layer and its copy in int8. Empty when weights are so large that sums might overflow.
AlignedBuffer<float> shortlist_norms(const PackedMatrix& exact, const PackedMatrix& coarse);

// linear() without options where only the highest output of each row matters: others may be -infinity instead, in
// whole panels, and those that are not have linear()'s bits. A row that is not finite, or overflows, is as linear()'s.
//   layer  of fp32 or bf16, without bias
//   apart  outputs that the caller may rule out: they are computed in any case, and the highest is that of the others
void linear_highest(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer,
                    const Shortlist& shortlist, std::span<const int32_t> apart, MatrixView<float> out);

}  // namespace vivace
