#include "models/batch_forward.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "telemetry/trace.h"

namespace vivace {
namespace {

// Enough rows that a pass over the weights is computed rather than waited for (reference: a weight panel in L2 serves
// 128 rows in 22 tiles), few enough that the rows' activations stay in the core's own cache.
constexpr int kGroupTokens = 128;
// Fewer, and sharing every operation costs less than that each thread reads all weights. Measured on Zen 4, two
// threads, MiniLM: 16 texts of 7 tokens take 3.8 ms in two groups, 3.8 to 4.9 shared out in int8, 6.3 and 7.8 in bf16;
// how much two cores lose by waiting for each other is not the same all day. 2 of 12 gain nothing.
constexpr int kLeastGroupTokens = 24;
// Threads may wait for the last group for this share of the time before sharing every operation is cheaper.
constexpr double kTolerableIdleShare = 0.08;

BatchSlice whole(const PackedBatch& batch, bool first_tokens_only) {
  return {batch.ids, batch.positions, batch.type_ids, batch.offsets, first_tokens_only};
}

// Of groups that come largest first: the next one goes to the thread with the least to do.
bool sorted_groups_balance(const std::vector<SequenceGroup>& groups, int threads) {
  constexpr size_t kMostThreads = 1024;
  std::array<int, kMostThreads> loads{};
  const std::span load = std::span(loads).first(std::min(static_cast<size_t>(threads), kMostThreads));
  int total = 0;
  for (const auto& group : groups) {
    *std::ranges::min_element(load) += group.tokens;
    total += group.tokens;
  }
  const double longest = *std::ranges::max_element(load);
  return longest * threads * (1 - kTolerableIdleShare) <= total;
}

}  // namespace

size_t ForwardWorkspace::capacity_bytes() const {
  size_t total = 0;
  for (const Arena& arena : m_arenas) total += arena.capacity_bytes();
  return total;
}

int group_tokens(int tokens, int threads) {
  return std::clamp((tokens + threads - 1) / threads, kLeastGroupTokens, kGroupTokens);
}

void cut_into_groups(const PackedBatch& batch, int target_tokens, std::vector<SequenceGroup>* groups) {
  groups->clear();
  for (int i = 0; i < batch.sequences(); ++i) {
    const int tokens = batch.offsets[static_cast<size_t>(i) + 1] - batch.offsets[static_cast<size_t>(i)];
    if (groups->empty() || groups->back().tokens + tokens > target_tokens) groups->push_back({i, i, 0});
    groups->back().last = i + 1;
    groups->back().tokens += tokens;
  }
}

std::vector<SequenceGroup> cut_into_groups(const PackedBatch& batch, int target_tokens) {
  std::vector<SequenceGroup> groups;
  cut_into_groups(batch, target_tokens, &groups);
  return groups;
}

BatchSlice slice_batch(const PackedBatch& batch, const SequenceGroup& group, std::vector<int32_t>* offsets) {
  const int32_t begin = batch.offsets[static_cast<size_t>(group.first)];
  offsets->clear();
  for (int i = group.first; i <= group.last; ++i) offsets->push_back(batch.offsets[static_cast<size_t>(i)] - begin);
  const auto part = [&](const std::vector<int32_t>& values) {
    return std::span(values).subspan(static_cast<size_t>(begin), static_cast<size_t>(group.tokens));
  };
  return {part(batch.ids), part(batch.positions), part(batch.type_ids), *offsets};
}

void largest_first(std::vector<SequenceGroup>* groups) {
  // Not std::stable_sort, which takes memory.
  std::ranges::sort(*groups, [](const SequenceGroup& a, const SequenceGroup& b) {
    return a.tokens != b.tokens ? a.tokens > b.tokens : a.first < b.first;
  });
}

bool groups_balance(std::vector<SequenceGroup> groups, int threads) {
  largest_first(&groups);
  return sorted_groups_balance(groups, threads);
}

MatrixView<const float> forward_batch(const Encoder& encoder, const KernelTable& kernels, const PackedBatch& batch,
                                      ThreadPool& pool, ForwardWorkspace& workspace, NeededTokens needed) {
  TRACE_ZONE("forward_batch");
  const std::span<Arena> arenas = workspace.arenas();
  CHECK(static_cast<int>(arenas.size()) >= pool.threads());
  for (Arena& arena : arenas) arena.reset();
  const MatrixView<float> hidden = arenas[0].matrix(batch.tokens(), encoder.info().hidden_size);
  const bool first_tokens_only = needed == NeededTokens::kFirst;

  std::vector<SequenceGroup>& groups = workspace.groups();
  cut_into_groups(batch, group_tokens(batch.tokens(), pool.threads()), &groups);
  largest_first(&groups);
  if (!sorted_groups_balance(groups, pool.threads())) {
    encoder.forward({&kernels, &pool, arenas}, whole(batch, first_tokens_only), hidden, nullptr);
    return hidden;
  }
  std::atomic<size_t> next{0};
  pool.run([&](int thread) {
    const ExecutionContext alone{&kernels, nullptr, arenas.subspan(static_cast<size_t>(thread), 1)};
    for (size_t i = next.fetch_add(1); i < groups.size(); i = next.fetch_add(1)) {
      TRACE_ZONE("sequence_group");
      const int begin = batch.offsets[static_cast<size_t>(groups[i].first)];
      BatchSlice part = slice_batch(batch, groups[i], &workspace.offsets(thread));
      part.first_tokens_only = first_tokens_only;
      encoder.forward(alone, part, hidden.slice_rows(begin, begin + groups[i].tokens), nullptr);
    }
  });
  return hidden;
}

}  // namespace vivace
