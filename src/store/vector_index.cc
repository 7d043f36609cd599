#include "store/vector_index.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace vivace {
namespace {

// Exact searches before the graph is built, which costs as much as some thousand of them.
constexpr size_t kPatientSearches = 16;

void write_unit(std::span<const float> vector, float* out) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * static_cast<double>(value);
  const double scale = 1 / std::sqrt(squares);
  for (size_t i = 0; i < vector.size(); ++i) out[i] = static_cast<float>(static_cast<double>(vector[i]) * scale);
}

std::vector<float> unit(std::span<const float> vector) {
  std::vector<float> scaled(vector.size());
  write_unit(vector, scaled.data());
  return scaled;
}

struct Candidate {
  float similarity;
  size_t row;
};

}  // namespace

uint32_t VectorIndex::group_number(const std::string& group) {
  return m_number_of_group.try_emplace(group, static_cast<uint32_t>(m_number_of_group.size())).first->second;
}

void VectorIndex::put(const std::string& id, const std::string& group, std::span<const float> vector) {
  CHECK(vector.size() == m_dimensions);
  const auto [entry, is_new] = m_row_of_id.try_emplace(id, m_ids.size());
  if (is_new) {
    if (m_ids.size() % kBlockRows == 0) m_blocks.emplace_back(kBlockRows * m_dimensions);
    m_ids.push_back(id);
    m_groups.push_back(0);
  }
  m_groups[entry->second] = group_number(group);
  write_unit(vector, row(entry->second));
  const size_t in_graph = m_rows_in_graph.load(std::memory_order_relaxed);
  if (m_graph == nullptr || entry->second > in_graph || (is_new && in_graph + 1 != m_ids.size())) return;
  // The graph holds all rows, or this one: it stays up to date.
  m_graph->reserve(m_ids.size());
  m_graph->put(entry->second, row(entry->second));
  if (is_new) m_rows_in_graph.store(m_ids.size(), std::memory_order_release);
}

std::vector<VectorHit> VectorIndex::search(const VectorIndexQuery& query) const {
  CHECK(query.vector.size() == m_dimensions);
  if (query.limit == 0) return {};
  const std::vector<float> scaled = unit(query.vector);
  // A group's rows may be few and far apart, where a graph would not find them.
  if (!query.group && has_graph()) return search_rows(query, scaled, m_graph->find(scaled.data(), query.limit));
  m_exact_searches.fetch_add(1, std::memory_order_relaxed);
  return search_rows(query, scaled, {});
}

// The best of the rows, or of all rows where none are given.
std::vector<VectorHit> VectorIndex::search_rows(const VectorIndexQuery& query, std::span<const float> scaled,
                                                std::span<const size_t> rows) const {
  std::optional<uint32_t> group;
  if (query.group) {
    const auto known = m_number_of_group.find(*query.group);
    if (known == m_number_of_group.end()) return {};
    group = known->second;
  }
  auto better = [this](const Candidate& a, const Candidate& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : m_ids[a.row] < m_ids[b.row];
  };
  std::vector<Candidate> best;  // a heap with the worst in front
  const size_t count = rows.empty() ? m_ids.size() : rows.size();
  for (size_t k = 0; k < count; ++k) {
    const size_t i = rows.empty() ? k : rows[k];
    if (group && m_groups[i] != *group) continue;
    const Candidate candidate{.similarity = dot(scaled.data(), i), .row = i};
    if (static_cast<double>(candidate.similarity) < query.min_similarity) continue;
    if (best.size() == query.limit) {
      if (!better(candidate, best.front())) continue;
      std::ranges::pop_heap(best, better);
      best.pop_back();
    }
    best.push_back(candidate);
    std::ranges::push_heap(best, better);
  }
  std::ranges::sort(best, better);
  std::vector<VectorHit> hits;
  hits.reserve(best.size());
  for (const Candidate& candidate : best) hits.push_back({m_ids[candidate.row], candidate.similarity});
  return hits;
}

bool VectorIndex::wants_graph() const {
  return size() > m_graph_limit && !has_graph() && m_exact_searches.load(std::memory_order_relaxed) >= kPatientSearches;
}

bool VectorIndex::extend_graph(size_t rows) {
  if (m_graph == nullptr) m_graph = std::make_unique<VectorGraph>(*m_kernels, m_dimensions);
  const size_t begin = m_rows_in_graph.load(std::memory_order_relaxed);
  const size_t end = std::min(begin + rows, size());
  m_graph->reserve(end);
  for (size_t i = begin; i < end; ++i) m_graph->put(i, row(i));
  m_rows_in_graph.store(end, std::memory_order_release);
  return end < size();
}

std::optional<double> VectorIndex::similarity(const std::string& id, std::span<const float> vector) const {
  CHECK(vector.size() == m_dimensions);
  const auto known = m_row_of_id.find(id);
  if (known == m_row_of_id.end()) return std::nullopt;
  return dot(unit(vector).data(), known->second);
}

}  // namespace vivace
