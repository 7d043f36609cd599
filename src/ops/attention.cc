#include "ops/attention.h"

#include <algorithm>
#include <cmath>

#include "telemetry/trace.h"

namespace vivace {
namespace {

int longest_sequence(std::span<const int32_t> offsets) {
  int longest = 0;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) longest = std::max(longest, offsets[i + 1] - offsets[i]);
  return longest;
}

const AttentionKernels& attention_kernels(const KernelTable& kernels, DType dtype) {
  CHECK(dtype == DType::kF32 || (dtype == DType::kBF16 && kernels.has_fast_bf16));
  return dtype == DType::kBF16 ? kernels.attention_bf16 : kernels.attention_f32;
}

size_t scratch_floats(const AttentionKernels& kernels, const SelfAttention& attention, int head_dim) {
  const int longest = longest_sequence(attention.offsets);
  if (longest == 0) return 0;
  if (attention.distance_bias != nullptr || attention.position_index != nullptr) {
    CHECK(longest - 1 <= attention.longest_distance);
  }
  return kernels.scratch(longest, head_dim, attention.position_index);
}

const std::byte* positions_of_head(const std::vector<PackedMatrix>& tables, int head, DType dtype) {
  if (tables.empty()) return nullptr;
  const PackedMatrix& table = tables[static_cast<size_t>(head)];
  CHECK(table.dtype() == dtype);
  return table.panel_data(0);
}

void set_head(const SelfAttention& attention, int head, AttentionArgs* args) {
  if (attention.distance_bias != nullptr) {
    const ptrdiff_t entries = 2 * attention.longest_distance + 1 + kDistancePadding;
    args->distance_bias = attention.distance_bias + head * entries + attention.longest_distance;
  }
  if (attention.position_index == nullptr) return;
  args->relative = {.keys = positions_of_head(attention.positions->keys, head, attention.dtype),
                    .queries = positions_of_head(attention.positions->queries, head, attention.dtype),
                    .index = attention.position_index};
}

}  // namespace

DType attention_dtype(const KernelTable& kernels, DType weights) {
  return weights != DType::kF32 && kernels.has_fast_bf16 ? DType::kBF16 : DType::kF32;
}

void self_attention(const ExecutionContext& context, MatrixView<const float> qkv, const SelfAttention& attention,
                    MatrixView<float> out) {
  TRACE_ZONE("self_attention");
  const std::span<const int32_t> offsets = attention.offsets;
  const int heads = attention.heads;
  const int width = out.columns;
  CHECK(heads > 0 && width % heads == 0 && qkv.columns == 3 * width);
  CHECK(!offsets.empty() && offsets.front() == 0 && offsets.back() == qkv.rows);
  const int head_dim = width / heads;
  const int sequences = static_cast<int>(offsets.size()) - 1;
  CHECK(out.rows == (attention.first_tokens_only ? sequences : qkv.rows));
  const AttentionKernels& kernels = attention_kernels(*context.kernels, attention.dtype);
  const size_t scratch = scratch_floats(kernels, attention, head_dim);
  context.run([&](int thread) {
    // Neighbouring work items are heads of one sequence, so a thread's reads stay close together.
    const Range items = split_range(sequences * heads, context.threads(), thread);
    if (items.begin == items.end) return;
    Arena& arena = context.scratch[static_cast<size_t>(thread)];
    const Arena::Scope scope(arena);
    AttentionArgs args;
    args.scratch = arena.floats(scratch);
    args.ld = qkv.stride;
    args.ldo = out.stride;
    args.scale = attention.scale.value_or(1.0F / std::sqrt(static_cast<float>(head_dim * attention.score_terms)));
    args.head_dim = head_dim;
    args.window = attention.window;
    args.queries = attention.first_tokens_only ? 1 : 0;
    for (int item = items.begin; item < items.end; ++item) {
      const int first = offsets[static_cast<size_t>(item / heads)];
      const int column = item % heads * head_dim;
      args.tokens = offsets[static_cast<size_t>(item / heads) + 1] - first;
      if (args.tokens == 0) continue;
      set_head(attention, item % heads, &args);
      args.q = qkv.row(first) + column;
      args.k = args.q + width;
      args.v = args.k + width;
      args.out = out.row(attention.first_tokens_only ? item / heads : first) + column;
      kernels.run(args);
    }
  });
}

}  // namespace vivace
