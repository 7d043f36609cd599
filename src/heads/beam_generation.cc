#include "heads/beam_generation.h"

#include <algorithm>
#include <utility>

#include "heads/token_choice.h"

namespace vivace {
namespace {

BeamSearch::StopTest stop_test(const GenerationHooks& hooks) {
  if (!hooks.stop) return nullptr;
  return [stop = hooks.stop](std::span<const int32_t> ids) { return stop(ids.subspan(1)); };
}

}  // namespace

BeamGeneration::BeamGeneration(GenerationTask task)
    : m_task(std::move(task)), m_search(m_task.options, m_task.tokens, stop_test(m_task.hooks)) {
  for (int i = 0; i < m_task.options.num_beams; ++i) {
    m_states.push_back(m_task.model.start(m_task.source));
    m_spare.push_back(m_task.model.start(m_task.source));
  }
}

int BeamGeneration::needed_rows() const {
  if (m_finished) return 0;
  return m_steps == 0 ? 1 : m_task.options.num_beams;
}

void BeamGeneration::propose(int, std::vector<DecoderStep>* steps) {
  const std::vector<Beam>& beams = m_search.running();
  for (int i = 0; i < needed_rows(); ++i) {
    const auto beam = static_cast<size_t>(i);
    steps->push_back({&m_states[beam], std::span(beams[beam].ids).last(1)});
  }
}

MatrixView<float> BeamGeneration::repeat(MatrixView<float> row) {
  const int rows = m_task.options.num_beams;
  m_repeated.resize(static_cast<size_t>(rows) * static_cast<size_t>(row.columns));
  for (int i = 0; i < rows; ++i) std::copy_n(row.row(0), row.columns, m_repeated.data() + ptrdiff_t{i} * row.columns);
  return {m_repeated.data(), rows, row.columns, row.columns};
}

void BeamGeneration::take(MatrixView<float> logits) {
  const bool first = m_steps++ == 0;
  const MatrixView<float> scores = first ? repeat(logits) : logits;
  const std::vector<Beam>& beams = m_search.running();
  for (size_t i = 0; i < beams.size(); ++i) {
    const std::span<float> row(scores.row(static_cast<int>(i)), static_cast<size_t>(scores.columns));
    log_softmax(row);
    penalize(m_task.options, m_task.tokens, beams[i].ids, row);
  }
  m_finished = !m_search.advance(scores);
  if (!m_finished) reorder(m_search.running(), first);
}

// Gives each beam its parent's past: the parent's own where only one beam continues it, else a copy.
void BeamGeneration::reorder(const std::vector<Beam>& beams, bool first) {
  std::vector<int> heir(m_states.size(), -1);
  const auto parent_of = [&](size_t i) { return first ? size_t{0} : static_cast<size_t>(beams[i].parent); };
  for (size_t i = beams.size(); i-- > 0;) heir[parent_of(i)] = static_cast<int>(i);
  for (size_t i = 0; i < beams.size(); ++i) {
    if (heir[parent_of(i)] != static_cast<int>(i)) m_spare[i].past.copy_from(m_states[parent_of(i)].past);
  }
  for (size_t i = 0; i < beams.size(); ++i) {
    if (heir[parent_of(i)] == static_cast<int>(i)) std::swap(m_spare[i], m_states[parent_of(i)]);
  }
  m_states.swap(m_spare);
}

std::vector<GeneratedSequence> BeamGeneration::results(FinishReason unfinished) const {
  std::vector<GeneratedSequence> found;
  const auto add = [&](const Beam& beam, FinishReason reason) {
    if (found.size() == static_cast<size_t>(m_task.options.num_return_sequences)) return;
    found.push_back({{beam.ids.begin() + 1, beam.ids.end()}, reason, beam.score});
  };
  for (const Beam& beam : m_search.finished()) {
    const bool stopped = m_task.tokens.is_end(beam.ids.back()) ||
                         (m_task.hooks.stop && m_task.hooks.stop(std::span(beam.ids).subspan(1)));
    add(beam, stopped ? FinishReason::kStop : FinishReason::kLength);
  }
  if (!m_finished) {
    for (const Beam& beam : m_search.running()) add(beam, unfinished);
  }
  return found;
}

}  // namespace vivace
