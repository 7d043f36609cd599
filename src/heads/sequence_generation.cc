#include "heads/sequence_generation.h"

#include <algorithm>
#include <utility>

namespace vivace {
namespace {

// Guesses of one pass. The first few are free where reading the weights is what takes the time, the others cost; so
// many are tried as lately were right.
constexpr int kFirstDraft = 3;
constexpr int kLongestDraft = 7;

}  // namespace

SequenceGeneration::SequenceGeneration(GenerationTask task) : m_task(std::move(task)), m_draft_length(kFirstDraft) {
  const GenerationOptions& options = m_task.options;
  for (int i = 0; i < options.num_return_sequences; ++i) {
    m_sequences.push_back({.ids = {m_task.tokens.start},
                           .state = m_task.model.start(m_task.source),
                           .sampler = TokenSampler(options.seed, static_cast<uint64_t>(i)),
                           .fed = {}});
  }
  if (options.temperature == 0 && options.num_return_sequences == 1 && options.speculate) {
    m_drafter.emplace(m_task.source_ids);
  }
}

int SequenceGeneration::needed_rows() const {
  return static_cast<int>(std::ranges::count(m_sequences, true, &Sequence::open));
}

void SequenceGeneration::propose(int max_rows, std::vector<DecoderStep>* steps) {
  // Before min_new_tokens the end tokens are ruled out; a penalty changes any logit.
  const GenerationOptions& options = m_task.options;
  const bool only_highest = options.temperature == 0 && options.repetition_penalty == 1;
  const LogitUse use = only_highest ? LogitUse::kHighest : LogitUse::kAll;
  for (Sequence& sequence : m_sequences) {
    if (!sequence.open) continue;
    sequence.fed.assign(1, sequence.ids.back());
    if (m_drafter) guess(max_rows, &sequence);
    steps->push_back({&sequence.state, sequence.fed, use, m_task.tokens.ends});
  }
}

void SequenceGeneration::guess(int max_rows, Sequence* sequence) {
  const auto written = static_cast<int>(sequence->ids.size()) - 1;
  // The last token of all is never fed, so it need not be guessed either.
  const int wanted = std::min({m_draft_length, max_rows - 1, m_task.options.max_new_tokens - written - 1});
  const std::span<const int32_t> drafts = m_drafter->propose(wanted);
  sequence->fed.insert(sequence->fed.end(), drafts.begin(), drafts.end());
}

void SequenceGeneration::take(MatrixView<float> logits) {
  ++m_stats.steps;
  int row = 0;
  for (size_t i = 0; i < m_sequences.size(); ++i) {
    if (m_sequences[i].open) row += take_rows(logits, row, static_cast<int>(i));
  }
}

int SequenceGeneration::take_rows(MatrixView<float> logits, int first_row, int index) {
  Sequence& sequence = m_sequences[static_cast<size_t>(index)];
  const auto rows = static_cast<int>(sequence.fed.size());
  int used = 0;
  while (used < rows) {
    float* row = logits.row(first_row + used);
    const int32_t chosen = choose(sequence, {row, static_cast<size_t>(logits.columns)});
    ++used;
    sequence.ids.push_back(chosen);
    if (m_drafter) m_drafter->append(chosen);
    if (m_task.hooks.token) m_task.hooks.token(index, std::span(sequence.ids).subspan(1));
    close_if_complete(&sequence);
    if (!sequence.open || used == rows || sequence.fed[static_cast<size_t>(used)] != chosen) break;
  }
  // What was fed behind the first wrong guess is forgotten.
  sequence.state.past.truncate(sequence.state.past.tokens() - (rows - used));
  learn(rows - 1, used - 1);
  return rows;
}

void SequenceGeneration::learn(int drafted, int accepted) {
  if (drafted == 0) return;
  m_stats.drafted += static_cast<uint64_t>(drafted);
  m_stats.accepted += static_cast<uint64_t>(accepted);
  if (accepted == drafted) {
    m_draft_length = std::min(m_draft_length + 2, kLongestDraft);
  } else {
    m_draft_length = std::max(accepted + 1, 2);
  }
}

int32_t SequenceGeneration::choose(Sequence& sequence, std::span<float> scores) const {
  penalize(m_task.options, m_task.tokens, sequence.ids, scores);
  if (m_task.options.temperature == 0) return likeliest(scores);
  keep_candidates(m_task.options, scores);
  return sequence.sampler.draw(scores);
}

void SequenceGeneration::close_if_complete(Sequence* sequence) const {
  const std::span<const int32_t> written = std::span(sequence->ids).subspan(1);
  const bool stopped = m_task.tokens.is_end(written.back()) || (m_task.hooks.stop && m_task.hooks.stop(written));
  if (!stopped && static_cast<int>(written.size()) < m_task.options.max_new_tokens) return;
  sequence->open = false;
  sequence->reason = stopped ? FinishReason::kStop : FinishReason::kLength;
}

std::vector<GeneratedSequence> SequenceGeneration::results(FinishReason unfinished) const {
  std::vector<GeneratedSequence> results;
  for (const Sequence& sequence : m_sequences) {
    results.push_back(
        {{sequence.ids.begin() + 1, sequence.ids.end()}, sequence.open ? unfinished : sequence.reason, 0});
  }
  return results;
}

}  // namespace vivace
