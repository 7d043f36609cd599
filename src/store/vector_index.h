// Exact search among vectors in memory by cosine. Not thread-safe for changes; searches may run side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernels/kernel_table.h"

namespace vivace {

struct VectorHit {
  std::string id;
  double similarity = 0;  // cosine
};

struct VectorIndexQuery {
  std::span<const float> vector;  // dimensions() values
  size_t limit = 10;
  double min_similarity = -1;
  std::optional<std::string> group;  // only vectors added with this group
};

class VectorIndex {
 public:
  VectorIndex(const KernelTable& kernels, size_t dimensions) : m_kernels(&kernels), m_dimensions(dimensions) {}

  size_t size() const { return m_ids.size(); }
  size_t dimensions() const { return m_dimensions; }

  // Adds, or replaces the vector of that id. vector: dimensions() finite values, not all zero.
  void put(const std::string& id, const std::string& group, std::span<const float> vector);

  // Best first, equal similarities by id.
  std::vector<VectorHit> search(const VectorIndexQuery& query) const;
  // Cosine to the vector of that id, nullopt when there is none.
  std::optional<double> similarity(const std::string& id, std::span<const float> vector) const;

 private:
  // Rows stand in blocks, so that growing copies nothing.
  static constexpr size_t kBlockRows = 1024;

  float* row(size_t index) { return m_blocks[index / kBlockRows].data() + index % kBlockRows * m_dimensions; }
  const float* row(size_t index) const {
    return m_blocks[index / kBlockRows].data() + index % kBlockRows * m_dimensions;
  }
  uint32_t group_number(const std::string& group);
  float dot(const float* query, size_t index) const { return m_kernels->dot_f32(query, row(index), m_dimensions); }

  const KernelTable* m_kernels;
  size_t m_dimensions;
  std::vector<std::vector<float>> m_blocks;  // of unit length each row
  std::vector<std::string> m_ids;
  std::vector<uint32_t> m_groups;
  std::unordered_map<std::string, size_t> m_row_of_id;
  std::unordered_map<std::string, uint32_t> m_number_of_group;
};

}  // namespace vivace
