#include "store/vector_index.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace vivace {
namespace {

// Exact searches before the graph is built, which costs as much as some thousand of them. They are what it is tried on.
constexpr size_t kSamples = 16;
constexpr size_t kNearest = 10;
constexpr double kWantedRecall = 0.99;
constexpr size_t kFewestCandidates = 128;
// A graph that has to look at a larger part of the rows is no faster than an exact search, which reads in order.
constexpr size_t kLargestPart = 32;

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
  if (m_graph == nullptr || graph_state() == GraphState::kUseless) return;
  if (entry->second > m_rows_in_graph || (is_new && m_rows_in_graph + 1 != m_ids.size())) return;
  // The graph holds all rows, or this one: it stays up to date.
  m_graph->reserve(m_ids.size());
  m_graph->put(entry->second, row(entry->second));
  if (is_new) m_rows_in_graph = m_ids.size();
  if (m_rows_in_graph < m_ids.size() || entry->second > m_rows_connected) return;
  m_graph->connect(entry->second);
  if (entry->second == m_rows_connected) ++m_rows_connected;
}

std::vector<VectorHit> VectorIndex::search(const VectorIndexQuery& query) const {
  CHECK(query.vector.size() == m_dimensions);
  if (query.limit == 0) return {};
  const std::vector<float> scaled = unit(query.vector);
  // A group's rows may be few and far apart, where a graph would not find them.
  if (query.group) return search_rows(query, scaled, {});
  if (graph_state() == GraphState::kUsed) {
    return search_rows(query, scaled, m_graph->find(scaled.data(), query.limit));
  }
  remember(scaled);
  return search_rows(query, scaled, {});
}

void VectorIndex::remember(std::span<const float> unit) const {
  const std::lock_guard lock(m_samples_mutex);
  if (m_samples.size() < kSamples) m_samples.push_back({.unit = {unit.begin(), unit.end()}});
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
  const std::lock_guard lock(m_samples_mutex);
  return size() > m_graph_limit && graph_state() == GraphState::kIncomplete && m_samples.size() == kSamples;
}

bool VectorIndex::extend_graph(size_t rows) {
  if (graph_state() != GraphState::kIncomplete) return false;
  if (m_graph == nullptr) m_graph = std::make_unique<VectorGraph>(*m_kernels, m_dimensions);
  if (m_rows_in_graph < size()) {
    const size_t end = std::min(m_rows_in_graph + rows, size());
    m_graph->reserve(end);
    for (; m_rows_in_graph < end; ++m_rows_in_graph) m_graph->put(m_rows_in_graph, row(m_rows_in_graph));
  } else if (m_rows_connected < size()) {
    const size_t end = std::min(m_rows_connected + rows, size());
    for (; m_rows_connected < end; ++m_rows_connected) m_graph->connect(m_rows_connected);
  } else if (m_measured_samples < m_samples.size()) {
    measure(&m_samples[m_measured_samples++]);
  } else {
    m_graph_state.store(tune_graph(), std::memory_order_release);
    return false;
  }
  return true;
}

void VectorIndex::measure(Sample* sample) const {
  const VectorIndexQuery query{.vector = sample->unit, .limit = kNearest, .min_similarity = -2, .group = {}};  // any
  sample->least_similarity = static_cast<float>(search_rows(query, sample->unit, {}).back().similarity);
}

bool VectorIndex::finds_samples(size_t candidates) {
  m_graph->set_candidates(candidates);
  size_t found = 0;
  size_t wanted = 0;
  for (const Sample& sample : m_samples) {
    wanted += std::min(kNearest, size());
    for (const size_t index : m_graph->find(sample.unit.data(), kNearest)) {
      if (dot(sample.unit.data(), index) >= sample.least_similarity) ++found;
    }
  }
  return static_cast<double>(found) >= kWantedRecall * static_cast<double>(wanted);
}

VectorIndex::GraphState VectorIndex::tune_graph() {
  const size_t most = std::max(kFewestCandidates, size() / kLargestPart);
  for (size_t candidates = kFewestCandidates; candidates <= most; candidates *= 2) {
    if (!finds_samples(candidates)) continue;
    m_graph->set_candidates(2 * candidates);  // other searches may be harder
    return GraphState::kUsed;
  }
  m_graph.reset();  // no search has seen it
  return GraphState::kUseless;
}

std::optional<double> VectorIndex::similarity(const std::string& id, std::span<const float> vector) const {
  CHECK(vector.size() == m_dimensions);
  const auto known = m_row_of_id.find(id);
  if (known == m_row_of_id.end()) return std::nullopt;
  return dot(unit(vector).data(), known->second);
}

}  // namespace vivace
