#include "heads/generation.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "heads/beam_search.h"
#include "heads/token_choice.h"

namespace vivace {
namespace {

bool is_end(const GenerationTokens& tokens, int32_t id) {
  return std::ranges::find(tokens.ends, id) != tokens.ends.end();
}

// The model, and room for the logits of one step.
class Writer {
 public:
  Writer(const EncoderDecoder& model, const ExecutionContext& context)
      : m_model(model), m_context(context), m_vocabulary(model.info().encoder.vocabulary_size) {}

  MatrixView<float> step(std::span<const DecoderStep> steps) {
    m_logits.resize(steps.size() * static_cast<size_t>(m_vocabulary));
    const MatrixView<float> logits = view(static_cast<int>(steps.size()));
    m_model.decode(m_context, steps, logits, nullptr);
    return logits;
  }
  // The logits of a step with one row, repeated.
  MatrixView<float> repeat(int rows) {
    m_logits.resize(static_cast<size_t>(rows) * static_cast<size_t>(m_vocabulary));
    for (int row = 1; row < rows; ++row) std::copy_n(m_logits.data(), m_vocabulary, view(rows).row(row));
    return view(rows);
  }

 private:
  MatrixView<float> view(int rows) { return {m_logits.data(), rows, m_vocabulary, m_vocabulary}; }

  const EncoderDecoder& m_model;
  const ExecutionContext& m_context;
  int m_vocabulary;
  std::vector<float> m_logits;
};

std::span<float> row_of(MatrixView<float> matrix, size_t row) {
  return {matrix.row(static_cast<int>(row)), static_cast<size_t>(matrix.columns)};
}

// Greedy or sampled sequences, side by side.
class SequenceWriter {
 public:
  SequenceWriter(const EncoderDecoder& model, const ExecutionContext& context, const EncodedSource& source,
                 const GenerationTokens& tokens, const GenerationOptions& options)
      : m_writer(model, context), m_tokens(tokens), m_options(options) {
    for (int i = 0; i < options.num_return_sequences; ++i) {
      m_sequences.push_back({.ids = {tokens.start},
                             .state = model.start(source),
                             .sampler = TokenSampler(options.seed, static_cast<uint64_t>(i)),
                             .result = {}});
    }
  }

  std::vector<GeneratedSequence> run(const GenerationHooks& hooks) {
    while (std::ranges::any_of(m_sequences, &Sequence::open)) {
      const auto interrupted = hooks.interrupt ? hooks.interrupt() : std::nullopt;
      if (interrupted.has_value()) {
        close_all(*interrupted);
        break;
      }
      step(hooks);
    }
    std::vector<GeneratedSequence> results;
    for (Sequence& sequence : m_sequences) {
      sequence.result.ids.assign(sequence.ids.begin() + 1, sequence.ids.end());
      results.push_back(std::move(sequence.result));
    }
    return results;
  }

 private:
  struct Sequence {
    std::vector<int32_t> ids;  // with the start token
    DecoderState state;
    TokenSampler sampler;
    GeneratedSequence result;
    bool open = true;
  };

  void close_all(FinishReason reason) {
    for (Sequence& sequence : m_sequences) {
      if (sequence.open) sequence.result.reason = reason;
      sequence.open = false;
    }
  }

  void step(const GenerationHooks& hooks) {
    std::vector<DecoderStep> steps;
    std::vector<size_t> stepped;
    for (size_t i = 0; i < m_sequences.size(); ++i) {
      Sequence& sequence = m_sequences[i];
      if (!sequence.open) continue;
      steps.push_back({&sequence.state, std::span(sequence.ids).last(1)});
      stepped.push_back(i);
    }
    const MatrixView<float> logits = m_writer.step(steps);
    for (size_t row = 0; row < stepped.size(); ++row) {
      Sequence& sequence = m_sequences[stepped[row]];
      sequence.ids.push_back(choose(sequence, row_of(logits, row)));
      const std::span<const int32_t> written = std::span(sequence.ids).subspan(1);
      if (hooks.token) hooks.token(static_cast<int>(stepped[row]), written);
      close_if_complete(hooks, &sequence);
    }
  }

  int32_t choose(Sequence& sequence, std::span<float> scores) const {
    penalize(m_options, m_tokens, sequence.ids, scores);
    if (m_options.temperature == 0) return likeliest(scores);
    keep_candidates(m_options, scores);
    return sequence.sampler.draw(scores);
  }

  void close_if_complete(const GenerationHooks& hooks, Sequence* sequence) const {
    const std::span<const int32_t> written = std::span(sequence->ids).subspan(1);
    const bool stopped = is_end(m_tokens, written.back()) || (hooks.stop && hooks.stop(written));
    if (!stopped && static_cast<int>(written.size()) < m_options.max_new_tokens) return;
    sequence->open = false;
    sequence->result.reason = stopped ? FinishReason::kStop : FinishReason::kLength;
  }

  Writer m_writer;
  const GenerationTokens& m_tokens;
  const GenerationOptions& m_options;
  std::vector<Sequence> m_sequences;
};

class BeamWriter {
 public:
  BeamWriter(const EncoderDecoder& model, const ExecutionContext& context, const EncodedSource& source,
             const GenerationTokens& tokens, const GenerationOptions& options)
      : m_writer(model, context), m_tokens(tokens), m_options(options) {
    for (int i = 0; i < options.num_beams; ++i) {
      m_states.push_back(model.start(source));
      m_spare.push_back(model.start(source));
    }
  }

  std::vector<GeneratedSequence> run(const GenerationHooks& hooks) {
    BeamSearch::StopTest stop;
    if (hooks.stop) stop = [&](std::span<const int32_t> ids) { return hooks.stop(ids.subspan(1)); };
    BeamSearch search(m_options, m_tokens, stop);
    std::optional<FinishReason> interrupted;
    for (bool first = true;; first = false) {
      interrupted = hooks.interrupt ? hooks.interrupt() : std::nullopt;
      if (interrupted.has_value() || !search.advance(score(search, first))) break;
      reorder(search.running(), first);
    }
    return results(search, interrupted, hooks);
  }

 private:
  MatrixView<float> score(const BeamSearch& search, bool first) {
    const std::vector<Beam>& beams = search.running();
    std::vector<DecoderStep> steps;
    for (size_t i = 0; i < beams.size() && (i == 0 || !first); ++i) {
      steps.push_back({&m_states[i], std::span(beams[i].ids).last(1)});
    }
    MatrixView<float> scores = m_writer.step(steps);
    if (first) scores = m_writer.repeat(m_options.num_beams);
    for (size_t i = 0; i < beams.size(); ++i) {
      log_softmax(row_of(scores, i));
      penalize(m_options, m_tokens, beams[i].ids, row_of(scores, i));
    }
    return scores;
  }

  // Gives each beam its parent's past: the parent's own where only one beam continues it, else a copy.
  void reorder(const std::vector<Beam>& beams, bool first) {
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

  std::vector<GeneratedSequence> results(const BeamSearch& search, std::optional<FinishReason> interrupted,
                                         const GenerationHooks& hooks) const {
    std::vector<GeneratedSequence> found;
    const auto add = [&](const Beam& beam, FinishReason reason) {
      if (found.size() == static_cast<size_t>(m_options.num_return_sequences)) return;
      found.push_back({{beam.ids.begin() + 1, beam.ids.end()}, reason, beam.score});
    };
    for (const Beam& beam : search.finished()) {
      const bool stopped =
          is_end(m_tokens, beam.ids.back()) || (hooks.stop && hooks.stop(std::span(beam.ids).subspan(1)));
      add(beam, stopped ? FinishReason::kStop : FinishReason::kLength);
    }
    if (interrupted.has_value()) {
      for (const Beam& beam : search.running()) add(beam, *interrupted);
    }
    return found;
  }

  Writer m_writer;
  const GenerationTokens& m_tokens;
  const GenerationOptions& m_options;
  std::vector<DecoderState> m_states;  // of the running beams
  std::vector<DecoderState> m_spare;   // whose memory the next step's states take
};

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kDeadline: return "deadline";
    case FinishReason::kCancelled: return "cancelled";
  }
  return "unknown";
}

std::vector<GeneratedSequence> generate(const EncoderDecoder& model, const ExecutionContext& context,
                                        const EncodedSource& source, const GenerationTokens& tokens,
                                        const GenerationOptions& options, const GenerationHooks& hooks) {
  if (options.num_beams > 1) return BeamWriter(model, context, source, tokens, options).run(hooks);
  return SequenceWriter(model, context, source, tokens, options).run(hooks);
}

}  // namespace vivace
