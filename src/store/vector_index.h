// Search among vectors in memory by cosine: exact up to graph_rows, beyond that through a graph once it is built.
//
// Not thread-safe for changes; searches may run side by side, and beside extend_graph().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernels/kernel_table.h"
#include "store/vector_graph.h"

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
  static constexpr size_t kGraphRows = 100'000;

  VectorIndex(const KernelTable& kernels, size_t dimensions, size_t graph_rows = kGraphRows)
      : m_kernels(&kernels), m_dimensions(dimensions), m_graph_limit(graph_rows) {}

  size_t size() const { return m_ids.size(); }
  size_t dimensions() const { return m_dimensions; }

  // Adds, or replaces the vector of that id. vector: dimensions() finite values, not all zero.
  void put(const std::string& id, const std::string& group, std::span<const float> vector);

  // Best first, equal similarities by id.
  std::vector<VectorHit> search(const VectorIndexQuery& query) const;
  // Whether building the graph pays: there are many rows, and they were looked through a few times already.
  bool wants_graph() const;
  // Takes up to so many more rows into the graph, and connects them when all are in it. Then asks it what was searched
  // exactly until then, with more and more candidates until it finds the nearest rows; where that would take as long as
  // an exact search, the graph is not used. One step of this each call; false when there is nothing more to do. Only
  // after wants_graph(). A change beside searches only: not beside put() or another extend_graph().
  bool extend_graph(size_t rows);
  // Whether searches go through the graph.
  bool uses_graph() const { return graph_state() == GraphState::kUsed; }

  // Cosine to the vector of that id, nullopt when there is none.
  std::optional<double> similarity(const std::string& id, std::span<const float> vector) const;

 private:
  enum class GraphState : uint8_t { kIncomplete, kUsed, kUseless };
  GraphState graph_state() const { return m_graph_state.load(std::memory_order_acquire); }

  // Rows stand in blocks, so that growing copies nothing.
  static constexpr size_t kBlockRows = 1024;

  float* row(size_t index) { return m_blocks[index / kBlockRows].data() + index % kBlockRows * m_dimensions; }
  const float* row(size_t index) const {
    return m_blocks[index / kBlockRows].data() + index % kBlockRows * m_dimensions;
  }
  uint32_t group_number(const std::string& group);
  // A search that was made before there was a graph.
  struct Sample {
    std::vector<float> unit;
    float least_similarity = 0;  // of the nearest rows, once they were looked for
  };
  void remember(std::span<const float> unit) const;
  void measure(Sample* sample) const;
  bool finds_samples(size_t candidates);
  GraphState tune_graph();
  std::vector<VectorHit> search_rows(const VectorIndexQuery& query, std::span<const float> unit,
                                     std::span<const size_t> rows) const;
  float dot(const float* query, size_t index) const { return m_kernels->dot_f32(query, row(index), m_dimensions); }

  const KernelTable* m_kernels;
  size_t m_dimensions;
  size_t m_graph_limit;
  mutable std::mutex m_samples_mutex;
  mutable std::vector<Sample> m_samples;  // kSamples at most; as many do not change but for their similarities
  size_t m_measured_samples = 0;
  std::unique_ptr<VectorGraph> m_graph;  // over the first m_rows_in_graph rows
  size_t m_rows_in_graph = 0;
  size_t m_rows_connected = 0;  // the first ones, once all are in it
  std::atomic<GraphState> m_graph_state = GraphState::kIncomplete;
  std::vector<std::vector<float>> m_blocks;  // of unit length each row
  std::vector<std::string> m_ids;
  std::vector<uint32_t> m_groups;
  std::unordered_map<std::string, size_t> m_row_of_id;
  std::unordered_map<std::string, uint32_t> m_number_of_group;
};

}  // namespace vivace
