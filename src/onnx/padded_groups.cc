#include "onnx/padded_groups.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace vivace {

std::vector<PaddedGroup> cut_into_padded_groups(const PackedBatch& batch, PaddingRule rule, int max_places) {
  const auto length = [&](int i) {
    return batch.offsets[static_cast<size_t>(i) + 1] - batch.offsets[static_cast<size_t>(i)];
  };
  std::vector<int> order(static_cast<size_t>(batch.sequences()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, length);
  std::vector<PaddedGroup> groups;
  int64_t tokens = 0;  // of the last group
  for (const int i : order) {
    const auto fits = [&](const PaddedGroup& group) {
      if (rule == PaddingRule::kAlone) return false;
      if (rule == PaddingRule::kNone && group.longest != length(i)) return false;
      const int64_t places = static_cast<int64_t>(group.sequences.size() + 1) * length(i);
      const int64_t real = tokens + length(i);
      return places <= max_places && places - real <= real / 8;
    };
    if (groups.empty() || !fits(groups.back())) {
      groups.emplace_back();
      tokens = 0;
    }
    groups.back().sequences.push_back(i);
    groups.back().longest = length(i);  // ascending
    tokens += length(i);
  }
  return groups;
}

}  // namespace vivace
