#include "ops/attention.h"

#include <algorithm>
#include <cmath>
#include <numeric>

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

// Inputs of a projection that stay in a core's own cache while all of its panels pass by.
constexpr int kProjectedRows = 128;

// What threads that compute attention share.
struct Attention {
  const SelfAttention& what;
  const AttentionKernels& kernels;
  MatrixView<const float> qkv;
  MatrixView<float> out;
  int head_dim;
  size_t scratch;

  int sequences() const { return static_cast<int>(what.offsets.size()) - 1; }
};

Attention prepare_attention(const ExecutionContext& context, MatrixView<const float> qkv,
                            const SelfAttention& attention, MatrixView<float> out) {
  const std::span<const int32_t> offsets = attention.offsets;
  CHECK(attention.heads > 0 && out.columns % attention.heads == 0 && qkv.columns == 3 * out.columns);
  CHECK(!offsets.empty() && offsets.front() == 0 && offsets.back() == qkv.rows);
  CHECK(out.rows == (attention.first_tokens_only ? static_cast<int>(offsets.size()) - 1 : qkv.rows));
  const AttentionKernels& kernels = attention_kernels(*context.kernels, attention.dtype);
  const int head_dim = out.columns / attention.heads;
  return {attention, kernels, qkv, out, head_dim, scratch_floats(kernels, attention, head_dim)};
}

// Computes heads of sequences, on the calling thread: item i is head i % heads of sequence i / heads.
void attend(const Attention& attention, Range items, Arena& arena) {
  if (items.begin == items.end) return;
  const Arena::Scope scope(arena);
  const SelfAttention& what = attention.what;
  const int width = attention.out.columns;
  AttentionArgs args;
  args.scratch = arena.floats(attention.scratch);
  args.ld = attention.qkv.stride;
  args.ldo = attention.out.stride;
  args.scale = what.scale.value_or(1.0F / std::sqrt(static_cast<float>(attention.head_dim * what.score_terms)));
  args.head_dim = attention.head_dim;
  args.window = what.window;
  args.queries = what.first_tokens_only ? 1 : 0;
  for (int item = items.begin; item < items.end; ++item) {
    const int sequence = item / what.heads;
    const int first = what.offsets[static_cast<size_t>(sequence)];
    const int column = item % what.heads * attention.head_dim;
    args.tokens = what.offsets[static_cast<size_t>(sequence) + 1] - first;
    if (args.tokens == 0) continue;
    set_head(what, item % what.heads, &args);
    args.q = attention.qkv.row(first) + column;
    args.k = args.q + width;
    args.v = args.k + width;
    args.out = attention.out.row(what.first_tokens_only ? sequence : first) + column;
    attention.kernels.run(args);
  }
}

// Whether threads that each take some heads have the same to do.
bool heads_come_out_even(const ExecutionContext& context, int width, int columns) {
  return width % columns == 0 && width / columns % context.threads() == 0;
}

}  // namespace

DType attention_dtype(const KernelTable& kernels, DType weights) {
  return weights != DType::kF32 && kernels.has_fast_bf16 ? DType::kBF16 : DType::kF32;
}

void self_attention(const ExecutionContext& context, MatrixView<const float> qkv, const SelfAttention& attention,
                    MatrixView<float> out) {
  TRACE_ZONE("self_attention");
  const Attention shared = prepare_attention(context, qkv, attention, out);
  context.run([&](int thread) {
    // Neighbouring work items are heads of one sequence, so a thread's reads stay close together.
    attend(shared, split_range(shared.sequences() * attention.heads, context.threads(), thread),
           context.scratch[static_cast<size_t>(thread)]);
  });
}

void project_and_attend(const ExecutionContext& context, const LinearInput& x, const Linear& projection,
                        const SelfAttention& attention, MatrixView<float> qkv, MatrixView<float> out) {
  const int panel_width = projection.weight.panel_width();
  const int width = out.columns;
  const int columns = std::lcm(width / attention.heads, panel_width);  // whole heads in whole panels
  if (context.threads() == 1 || !heads_come_out_even(context, width, columns) || context.recorder != nullptr) {
    linear(context, x, projection, {}, qkv);
    self_attention(context, qkv, attention, out);
    return;
  }
  TRACE_ZONE("project_and_attend");
  const Arena::Scope scope(context.scratch[0]);
  const LinearInput input = x.prepared.data != nullptr ? x : prepare_linear(context, x.x, projection);
  const Attention shared = prepare_attention(context, qkv, attention, out);
  context.run([&](int thread) {
    const Range units = split_range(width / columns, context.threads(), thread);
    for (int first = 0; first < qkv.rows; first += kProjectedRows) {
      const Range rows{first, std::min(first + kProjectedRows, qkv.rows)};
      for (int part = 0; part < 3; ++part) {
        const Range own{part * width + units.begin * columns, part * width + units.end * columns};
        linear_part(*context.kernels, input, projection, rows, {own.begin / panel_width, own.end / panel_width},
                    qkv.slice_rows(rows.begin, rows.end).slice_columns(own.begin, own.end));
      }
    }
    const int head_dim = shared.head_dim;
    for (int sequence = 0; sequence < shared.sequences(); ++sequence) {
      const int first = sequence * attention.heads;
      attend(shared, {first + units.begin * columns / head_dim, first + units.end * columns / head_dim},
             context.scratch[static_cast<size_t>(thread)]);
    }
  });
}

}  // namespace vivace
