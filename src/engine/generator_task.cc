#include "engine/generator_task.h"

#include <algorithm>
#include <utility>

namespace vivace {
namespace {

double milliseconds(GeneratorTask::Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

GeneratorTask::GeneratorTask(const Tokenizer& tokenizer, GenerateRequest request, Callback done)
    : m_tokenizer(tokenizer), m_request(std::move(request)), m_done(std::move(done)) {
  for (int i = 0; i < m_request.options.num_return_sequences; ++i) m_streams.emplace_back(m_tokenizer, m_request.stop);
}

Result<void> GeneratorTask::tokenize(int max_tokens) {
  EncodeOptions options;
  options.max_tokens = static_cast<size_t>(max_tokens);
  RETURN_IF_ERROR(m_tokenizer.encode(m_request.text, options, &m_source));
  if (m_source.ids.empty()) return error(StatusCode::kInvalidArgument, "the text has no tokens");
  if (m_source.truncated && m_request.too_long == TooLong::kRefuse) {
    return error(StatusCode::kTooLarge,
                 "the text is longer than the model's " + std::to_string(max_tokens) + " tokens");
  }
  m_repeatable = m_source.ids;
  if (!m_request.hint.empty()) {
    TokenSequence hint;
    RETURN_IF_ERROR(m_tokenizer.encode(m_request.hint, options, &hint));
    m_repeatable.insert(m_repeatable.end(), hint.ids.begin(), hint.ids.end());
  }
  m_response.source_tokens = static_cast<int>(m_source.ids.size());
  m_response.truncated = m_source.truncated;
  m_response.tokenize_ms = milliseconds(Clock::now() - m_submitted);
  return {};
}

int GeneratorTask::needed_rows() const {
  const std::lock_guard lock(m_mutex);
  if (m_is_answered) return 0;
  return m_generation != nullptr ? m_generation->needed_rows()
                                 : std::max(m_request.options.num_beams, m_request.options.num_return_sequences);
}

bool GeneratorTask::leave_queue() {
  std::unique_lock lock(m_mutex);
  if (m_is_answered) return false;
  m_encode_start = Clock::now();
  m_response.queue_ms = milliseconds(m_encode_start - m_submitted) - m_response.tokenize_ms;
  // The watch's thread may not have woken yet.
  if (m_request.cancel.stop_requested()) {
    answer(FinishReason::kCancelled, std::move(lock));
    return false;
  }
  if (m_request.deadline.has_value() && m_encode_start >= *m_request.deadline) {
    answer(FinishReason::kDeadline, std::move(lock));
    return false;
  }
  return true;
}

void GeneratorTask::begin(const EncoderDecoder& model, EncodedSource source, const GenerationTokens& tokens,
                          SourceOrigin origin) {
  const std::lock_guard lock(m_mutex);
  if (m_is_answered) return;
  m_decode_start = Clock::now();
  m_response.encode_ms = milliseconds(m_decode_start - m_encode_start);
  m_response.source_reused = origin == SourceOrigin::kCached;
  m_generation = begin_generation({model, std::move(source), m_repeatable, tokens, m_request.options, hooks()});
}

GenerationHooks GeneratorTask::hooks() {
  GenerationHooks hooks;
  if (!m_request.stop.empty() || m_request.stop_id.has_value()) {
    hooks.stop = [this](std::span<const int32_t> ids) { return ids.back() == m_request.stop_id || has_stop(ids); };
  }
  if ((!m_request.stop.empty() && m_request.options.num_beams == 1) || m_request.on_text) {
    hooks.token = [this](int sequence, std::span<const int32_t> ids) { read(static_cast<size_t>(sequence), ids); };
  }
  return hooks;
}

void GeneratorTask::read(size_t sequence, std::span<const int32_t> ids) {
  m_last_read = sequence;
  const std::string_view piece = m_streams[sequence].update(ids);
  if (!piece.empty() && m_request.on_text) m_request.on_text(static_cast<int>(sequence), piece);
}

// A sequence's token has just been read. Beams part and end, so each text is put together anew.
bool GeneratorTask::has_stop(std::span<const int32_t> ids) const {
  if (m_request.stop.empty()) return false;
  if (m_request.options.num_beams == 1) return m_streams[m_last_read].stopped();
  TextStream beam(m_tokenizer, m_request.stop);
  beam.finish(ids);
  return beam.stopped();
}

void GeneratorTask::propose(int max_rows, std::vector<DecoderStep>* steps) {
  const std::lock_guard lock(m_mutex);
  if (!m_is_answered) m_generation->propose(max_rows, steps);
}

void GeneratorTask::take(MatrixView<float> logits) {
  std::unique_lock lock(m_mutex);
  if (m_is_answered) return;
  m_generation->take(logits);
  if (m_generation->finished() || !m_problem) return answer(FinishReason::kLength, std::move(lock));
  // As in leave_queue(): the watch's thread may need longer than the rest of the text.
  if (m_request.cancel.stop_requested()) answer(FinishReason::kCancelled, std::move(lock));
}

void GeneratorTask::end(FinishReason reason) {
  std::unique_lock lock(m_mutex);
  if (!m_is_answered) answer(reason, std::move(lock));
}

void GeneratorTask::fail(Status problem) {
  std::unique_lock lock(m_mutex);
  if (m_is_answered) return;
  m_problem = std::unexpected(std::move(problem));
  answer(FinishReason::kCancelled, std::move(lock));
}

bool GeneratorTask::answered() const {
  const std::lock_guard lock(m_mutex);
  return m_is_answered;
}

// The callback runs without the lock. Nothing is streamed any more then, since take() looks at m_is_answered.
void GeneratorTask::answer(FinishReason unfinished, std::unique_lock<std::mutex> lock) {
  m_is_answered = true;
  Result<GenerateResponse> result = response(unfinished);
  lock.unlock();
  m_done(std::move(result));
}

Result<GenerateResponse> GeneratorTask::response(FinishReason unfinished) {
  const auto written = Clock::now();
  RETURN_IF_ERROR(m_problem);
  if (m_generation == nullptr) {
    m_response.texts.assign(static_cast<size_t>(m_request.options.num_return_sequences), {"", {}, unfinished});
    return std::move(m_response);
  }
  const auto sequences = m_generation->results(unfinished);
  for (size_t i = 0; i < sequences.size(); ++i) {
    const std::string_view rest = m_streams[i].finish(sequences[i].ids);
    if (!rest.empty() && m_request.on_text) m_request.on_text(static_cast<int>(i), rest);
    m_response.texts.push_back({m_streams[i].text(), sequences[i].ids, sequences[i].reason});
  }
  m_response.stats = m_generation->stats();
  m_response.decode_ms = milliseconds(written - m_decode_start);
  m_response.detokenize_ms = milliseconds(Clock::now() - written);
  return std::move(m_response);
}

}  // namespace vivace
