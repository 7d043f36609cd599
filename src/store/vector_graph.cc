#include "store/vector_graph.h"

#include <algorithm>

#include <hnswlib/hnswlib.h>

namespace vivace {
namespace {

constexpr size_t kLinks = 16;
constexpr size_t kBuildCandidates = 200;

// hnswlib's distance, computed by the kernels that the exact search uses.
class Space final : public hnswlib::SpaceInterface<float> {
 public:
  Space(const KernelTable& kernels, size_t dimensions) : m_parameters{&kernels, dimensions} {}
  size_t get_data_size() override { return m_parameters.dimensions * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &m_parameters; }

 private:
  struct Parameters {
    const KernelTable* kernels;
    size_t dimensions;
  };
  static float distance(const void* a, const void* b, const void* parameters) {
    const auto* own = static_cast<const Parameters*>(parameters);
    return 1 - own->kernels->dot_f32(static_cast<const float*>(a), static_cast<const float*>(b), own->dimensions);
  }
  Parameters m_parameters;
};

}  // namespace

struct VectorGraph::Graph {
  Graph(const KernelTable& kernels, size_t dimensions)
      : space(kernels, dimensions), index(&space, /*max_elements=*/1024, kLinks, kBuildCandidates) {}
  Space space;
  hnswlib::HierarchicalNSW<float> index;
};

VectorGraph::VectorGraph(const KernelTable& kernels, size_t dimensions)
    : m_graph(std::make_unique<Graph>(kernels, dimensions)) {}

VectorGraph::~VectorGraph() = default;

void VectorGraph::reserve(size_t rows) {
  if (rows <= m_graph->index.max_elements_) return;
  m_graph->index.resizeIndex(std::max(rows, m_graph->index.max_elements_ * 3 / 2));
}

void VectorGraph::set_candidates(size_t candidates) {
  m_graph->index.setEf(candidates);
}

void VectorGraph::put(size_t row, const float* unit) {
  m_graph->index.addPoint(unit, row);
}

std::vector<size_t> VectorGraph::find(const float* unit, size_t limit) const {
  std::vector<size_t> rows;
  for (auto found = m_graph->index.searchKnn(unit, limit); !found.empty(); found.pop()) {
    rows.push_back(found.top().second);
  }
  return rows;
}

}  // namespace vivace
