#include "store/vector_graph.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <utility>

#include <hnswlib/hnswlib.h>

namespace vivace {
namespace {

// Twice as many fit a row on the lowest level: room for links back. With 16, rows around topics stay hard to reach even
// when they are connected.
constexpr size_t kLinks = 48;
constexpr size_t kBuildCandidates = 200;
// Links that a row has to rows near it, whatever else it is linked to.
constexpr size_t kNearLinks = 24;

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

  using Row = hnswlib::tableint;

  // Those of the lowest level, where all rows are.
  std::span<Row> links(Row row) {
    hnswlib::linklistsizeint* list = index.get_linklist0(row);
    return {list + 1, index.getListCount(list)};
  }
  void add_link(Row from, Row to) {
    const size_t count = links(from).size();
    hnswlib::linklistsizeint* list = index.get_linklist0(from);
    list[1 + count] = to;
    index.setListCount(list, static_cast<uint16_t>(count + 1));
  }
  float distance(Row a, Row b) {
    return index.fstdistfunc_(index.getDataByInternalId(a), index.getDataByInternalId(b), index.dist_func_param_);
  }

  // Links the row to the nearest of those that its links lead to, where it has too few.
  void link_near(Row row) {
    const std::span<const Row> present = links(row);
    if (present.size() >= kNearLinks) return;
    std::vector<std::pair<float, Row>> near;
    std::unordered_set<Row> seen(present.begin(), present.end());
    seen.insert(row);
    for (const Row link : present) {
      for (const Row next : links(link)) {
        if (seen.insert(next).second) near.emplace_back(distance(row, next), next);
      }
    }
    const size_t count = std::min(near.size(), kNearLinks - present.size());
    std::ranges::partial_sort(near, near.begin() + static_cast<ptrdiff_t>(count));
    for (size_t i = 0; i < count; ++i) add_link(row, near[i].second);
  }

  // Links those that the row is linked to with it, where they have room.
  void link_back(Row row) {
    for (const Row link : links(row)) {
      const std::span<const Row> theirs = links(link);
      if (theirs.size() < index.maxM0_ && std::ranges::find(theirs, row) == theirs.end()) add_link(link, row);
    }
  }

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

void VectorGraph::connect(size_t row) {
  const Graph::Row own = m_graph->index.label_lookup_.at(row);
  m_graph->link_near(own);
  // hnswlib leaves few links to those whose last room a new row takes.
  for (const Graph::Row link : m_graph->links(own)) m_graph->link_near(link);
  m_graph->link_back(own);
}

std::vector<size_t> VectorGraph::find(const float* unit, size_t limit) const {
  std::vector<size_t> rows;
  for (auto found = m_graph->index.searchKnn(unit, limit); !found.empty(); found.pop()) {
    rows.push_back(found.top().second);
  }
  return rows;
}

}  // namespace vivace
