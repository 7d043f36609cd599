#include "models/disentangled_positions.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace vivace {
namespace {

// Distances up to half the buckets keep their value, farther ones share buckets by their logarithm. In single
// precision and in the reference's order, so that distances at a bucket's edge fall on the same side.
int bucket_of(const DistanceBuckets& buckets, int distance) {
  if (buckets.buckets == 0) return distance;
  const int middle = buckets.buckets / 2;
  const int far = std::abs(distance);
  if (far <= middle) return distance;
  const auto per_middle = [middle](int n) { return static_cast<float>(n) / static_cast<float>(middle); };
  const float share = std::log(per_middle(far)) / std::log(per_middle(buckets.max_distance - 1));
  const float bucket = std::ceil(share * static_cast<float>(middle - 1)) + static_cast<float>(middle);
  return static_cast<int>(bucket) * (distance < 0 ? -1 : 1);
}

}  // namespace

std::vector<int32_t> distance_positions(const DistanceBuckets& buckets, int longest) {
  std::vector<int32_t> positions;
  const int farthest = longest + kDistancePadding;
  positions.reserve(static_cast<size_t>(2 * farthest + 1));
  for (int distance = -farthest; distance <= farthest; ++distance) {
    // The table counts from the key to the query: the other way round.
    positions.push_back(std::clamp(bucket_of(buckets, -distance) + buckets.span, 0, 2 * buckets.span - 1));
  }
  return positions;
}

std::vector<PackedMatrix> pack_positions(MatrixView<const float> projected, int heads, PanelLayout layout) {
  const int head_dim = projected.columns / heads;
  std::vector<PackedMatrix> packed;
  for (int head = 0; head < heads; ++head) {
    packed.emplace_back(head_dim, projected.rows, layout);
    for (int row = 0; row < projected.rows; ++row) {
      packed.back().pack_rows(projected.row(row) + head * head_dim, 1, row);
    }
  }
  return packed;
}

}  // namespace vivace
