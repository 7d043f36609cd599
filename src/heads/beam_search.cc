#include "heads/beam_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vivace {
namespace {

// What transformers takes for "out of the race". Not infinity: sums of it stay comparable.
constexpr float kOut = -1e9F;

}  // namespace

BeamSearch::BeamSearch(const GenerationOptions& options, GenerationTokens tokens, StopTest stop)
    : m_options(options), m_tokens(std::move(tokens)), m_stop(std::move(stop)) {
  for (int i = 0; i < m_options.num_beams; ++i) m_running.push_back({{m_tokens.start}, i == 0 ? 0 : kOut, i});
}

float BeamSearch::length_factor(int tokens) const {
  return static_cast<float>(std::pow(static_cast<double>(tokens), m_options.length_penalty));
}

// The best (1 + end tokens) · num_beams, at least 2 · num_beams, of all continuations of all beams: so many that
// num_beams of them go on even when the others end.
std::vector<BeamSearch::Candidate> BeamSearch::best_candidates(MatrixView<const float> log_probabilities) const {
  const size_t keep = std::max(size_t{2}, m_tokens.ends.size() + 1) * static_cast<size_t>(m_options.num_beams);
  std::vector<Candidate> heap;  // the worst on top
  const auto better = [](const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.parent != b.parent ? a.parent < b.parent : a.token < b.token;
  };
  for (int parent = 0; parent < log_probabilities.rows; ++parent) {
    const float so_far = m_running[static_cast<size_t>(parent)].score;
    const float* row = log_probabilities.row(parent);
    for (int32_t token = 0; token < log_probabilities.columns; ++token) {
      const Candidate candidate{row[token] + so_far, parent, token};
      if (heap.size() == keep) {
        if (!better(candidate, heap.front())) continue;
        std::ranges::pop_heap(heap, better);
        heap.pop_back();
      }
      heap.push_back(candidate);
      std::ranges::push_heap(heap, better);
    }
  }
  std::ranges::sort_heap(heap, better);
  for (Candidate& candidate : heap) candidate.ended = ends(candidate);
  return heap;
}

std::vector<int32_t> BeamSearch::ids_of(const Candidate& candidate) const {
  std::vector<int32_t> ids = m_running[static_cast<size_t>(candidate.parent)].ids;
  ids.push_back(candidate.token);
  return ids;
}

bool BeamSearch::ends(const Candidate& candidate) const {
  if (std::ranges::find(m_tokens.ends, candidate.token) != m_tokens.ends.end()) return true;
  const auto written = static_cast<int>(m_running[static_cast<size_t>(candidate.parent)].ids.size());
  if (written >= m_options.max_new_tokens) return true;
  return m_stop && m_stop(ids_of(candidate));
}

// Of the ended candidates only the best num_beams of all count; the others were there to go on with.
void BeamSearch::finish_candidates(const std::vector<Candidate>& candidates) {
  if (!m_improvable || (full() && m_options.early_stopping == EarlyStopping::kFull)) return;
  const float factor = length_factor(static_cast<int>(m_running.front().ids.size()));
  for (size_t i = 0; i < candidates.size() && i < static_cast<size_t>(m_options.num_beams); ++i) {
    const Candidate& candidate = candidates[i];
    if (!candidate.ended) continue;
    m_finished.push_back({ids_of(candidate), candidate.score / factor, candidate.parent});
  }
  std::ranges::stable_sort(m_finished, std::greater<>(), &Beam::score);
  if (m_finished.size() > static_cast<size_t>(m_options.num_beams)) {
    m_finished.resize(static_cast<size_t>(m_options.num_beams));
  }
}

bool BeamSearch::advance(MatrixView<const float> log_probabilities) {
  CHECK(log_probabilities.rows == m_options.num_beams);
  const std::vector<Candidate> candidates = best_candidates(log_probabilities);
  finish_candidates(candidates);
  std::vector<Candidate> next = candidates;
  for (Candidate& candidate : next) candidate.score += candidate.ended ? kOut : 0.0F;
  std::ranges::stable_sort(next, std::greater<>(), &Candidate::score);
  std::vector<Beam> running;
  for (size_t i = 0; i < next.size() && i < static_cast<size_t>(m_options.num_beams); ++i) {
    running.push_back({ids_of(next[i]), next[i].score, next[i].parent});
  }
  m_running = std::move(running);

  const auto written = static_cast<int>(m_running.front().ids.size()) - 1;
  const bool hopeful = m_options.early_stopping == EarlyStopping::kNever && m_options.length_penalty > 0;
  const float best = m_running.front().score / length_factor(hopeful ? m_options.max_new_tokens : written);
  m_improvable = m_improvable && best > (full() ? m_finished.back().score : kOut);
  const bool all_ended = std::ranges::all_of(candidates, &Candidate::ended);
  const bool enough = full() && m_options.early_stopping == EarlyStopping::kFull;
  return m_improvable && !enough && !all_ended;
}

}  // namespace vivace
