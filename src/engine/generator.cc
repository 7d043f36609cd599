#include "engine/generator.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "base/utf8.h"
#include "engine/text_stream.h"

namespace vivace {

using Clock = std::chrono::steady_clock;

struct Generator::Pending {
  GenerateRequest request;
  Callback done;
  TokenSequence source;
  GenerateResponse response;
  Clock::time_point submitted;
};

namespace {

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Ids that a model may have but its tokenizer need not: rows that fill the vocabulary up.
std::vector<int32_t> known_ids(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::vector<int32_t> known;
  std::ranges::copy_if(ids, std::back_inserter(known), [&](int32_t id) { return !tokenizer.token(id).empty(); });
  return known;
}

}  // namespace

Generator::Generator(Parts parts, GeneratorInfo info)
    : m_parts(std::move(parts)), m_info(std::move(info)), m_workspace(m_parts.pool->threads()) {
  m_thread = std::thread([this] { serve(); });
}

Generator::~Generator() {
  {
    const std::lock_guard lock(m_mutex);
    m_state = State::kStopping;
  }
  m_stop.request_stop();
  m_work.notify_all();
  m_thread.join();
}

Result<void> Generator::check(const GenerateRequest& request) const {
  if (request.text.empty()) return error(StatusCode::kInvalidArgument, "the text is empty");
  if (find_invalid_utf8(request.text) != kValidUtf8) {
    return error(StatusCode::kInvalidArgument, "the text is not valid UTF-8");
  }
  if (request.stop.size() > kMaxStopStrings) {
    return error(StatusCode::kTooLarge, "at most " + std::to_string(kMaxStopStrings) + " stop strings are taken");
  }
  for (const std::string& stop : request.stop) {
    if (stop.empty()) return error(StatusCode::kInvalidArgument, "a stop string is empty");
  }
  const GenerationOptions& options = request.options;
  if (request.on_text && (options.num_beams > 1 || options.num_return_sequences > 1)) {
    return error(StatusCode::kInvalidArgument, "only a single sequence without beams can be streamed");
  }
  return check_generation_options(options, m_info.max_new_tokens + 1);
}

Result<void> Generator::prepare(Pending* pending) const {
  RETURN_IF_ERROR(check(pending->request));
  EncodeOptions options;
  options.max_tokens = static_cast<size_t>(m_info.model.max_tokens);
  RETURN_IF_ERROR(m_parts.tokenizer->encode(pending->request.text, options, &pending->source));
  if (pending->source.ids.empty()) return error(StatusCode::kInvalidArgument, "the text has no tokens");
  if (pending->source.truncated && pending->request.too_long == TooLong::kRefuse) {
    return error(StatusCode::kTooLarge,
                 "the text is longer than the model's " + std::to_string(m_info.model.max_tokens) + " tokens");
  }
  pending->response.source_tokens = static_cast<int>(pending->source.ids.size());
  pending->response.truncated = pending->source.truncated;
  pending->response.tokenize_ms = milliseconds(Clock::now() - pending->submitted);
  return {};
}

Result<void> Generator::enqueue(std::unique_ptr<Pending>& pending) {
  const std::lock_guard lock(m_mutex);
  if (m_state != State::kServing) return error(StatusCode::kUnavailable, "the model is shutting down");
  if (m_queue.size() >= std::max<size_t>(m_parts.max_queued, 1)) {
    return error(StatusCode::kOverloaded,
                 std::to_string(m_queue.size()) + " requests are waiting, which is the limit; try again in a moment");
  }
  m_queue.push_back(std::move(pending));
  m_stats.requests_accepted.add();
  m_stats.queued_texts.set(static_cast<int64_t>(m_queue.size()));
  m_work.notify_one();
  return {};
}

void Generator::submit(GenerateRequest request, Callback done) {
  auto pending = std::make_unique<Pending>();
  pending->submitted = Clock::now();
  pending->request = std::move(request);
  pending->done = std::move(done);
  auto accepted = prepare(pending.get());
  if (accepted) accepted = enqueue(pending);
  if (accepted) return;
  const Result<GenerateResponse> refused = std::unexpected(std::move(accepted).error());
  count(refused);
  pending->done(refused);
}

Result<GenerateResponse> Generator::generate(GenerateRequest request) {
  // Shared: the generator's thread may still be inside set_value() when the waiting one returns.
  const auto promise = std::make_shared<std::promise<Result<GenerateResponse>>>();
  auto future = promise->get_future();
  submit(std::move(request), [promise](Result<GenerateResponse> result) { promise->set_value(std::move(result)); });
  return future.get();
}

void Generator::drain() {
  std::unique_lock lock(m_mutex);
  if (m_state == State::kServing) m_state = State::kDraining;
  m_idle.wait(lock, [this] { return m_queue.empty() && !m_running; });
}

void Generator::serve() {
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_work.wait(lock, [this] { return !m_queue.empty() || m_state == State::kStopping; });
    if (m_queue.empty()) return;
    const std::unique_ptr<Pending> pending = std::move(m_queue.front());
    m_queue.pop_front();
    m_stats.queued_texts.set(static_cast<int64_t>(m_queue.size()));
    m_running = true;
    const bool stopping = m_state == State::kStopping;
    lock.unlock();
    Result<GenerateResponse> result =
        stopping ? error(StatusCode::kUnavailable, "the model was shut down before it could answer") : run(*pending);
    count(result);
    pending->done(std::move(result));
    lock.lock();
    m_running = false;
    if (m_queue.empty()) m_idle.notify_all();
  }
}

std::optional<FinishReason> Generator::interruption(const Pending& pending) const {
  if (pending.request.cancel.stop_requested() || m_stop.stop_requested()) return FinishReason::kCancelled;
  if (pending.request.deadline.has_value() && Clock::now() >= *pending.request.deadline) {
    return FinishReason::kDeadline;
  }
  return std::nullopt;
}

std::vector<GeneratedSequence> Generator::write(Pending& pending, const EncodedSource& source, Result<void>* problem) {
  const GenerateRequest& request = pending.request;
  const Tokenizer& tokenizer = *m_parts.tokenizer;
  TextStream stream(tokenizer, request.stop);
  GenerationHooks hooks;
  hooks.interrupt = [&] { return *problem ? interruption(pending) : FinishReason::kCancelled; };
  if (!request.stop.empty()) {
    hooks.stop = [&](std::span<const int32_t> ids) {
      const auto text = tokenizer.decode(known_ids(tokenizer, ids), SkipSpecialTokens::kYes);
      if (!text) *problem = std::unexpected(text.error());
      return text.has_value() && find_stop(*text, request.stop) != std::string::npos;
    };
  }
  if (request.on_text) {
    hooks.token = [&](int, std::span<const int32_t> ids) {
      const auto piece = stream.update(known_ids(tokenizer, ids));
      if (!piece) *problem = std::unexpected(piece.error());
      if (piece && !piece->empty()) request.on_text(*piece);
    };
  }
  const ExecutionContext context{m_parts.kernels, m_parts.pool.get(), m_workspace.arenas()};
  auto sequences = vivace::generate(*m_parts.model, context, source, m_parts.tokens, request.options, hooks);
  if (request.on_text && *problem) {
    const auto rest = stream.finish(known_ids(tokenizer, sequences.front().ids));
    if (rest && !rest->empty()) request.on_text(*rest);
  }
  return sequences;
}

Result<GenerateResponse> Generator::run(Pending& pending) {
  const auto start = Clock::now();
  GenerateResponse& response = pending.response;
  response.queue_ms = milliseconds(start - pending.submitted) - response.tokenize_ms;
  m_stats.queue_seconds.observe(response.queue_ms / 1e3);
  if (const auto early = interruption(pending); early.has_value()) {
    response.texts.assign(static_cast<size_t>(pending.request.options.num_return_sequences), {"", {}, *early});
    return std::move(response);
  }
  for (Arena& arena : m_workspace.arenas()) arena.reset();
  PackedBatch batch;
  batch.append(pending.source.ids, pending.source.type_ids);
  const ExecutionContext context{m_parts.kernels, m_parts.pool.get(), m_workspace.arenas()};
  const auto sources =
      m_parts.model->encode(context, {batch.ids, batch.positions, batch.type_ids, batch.offsets}, nullptr);
  const auto encoded = Clock::now();
  Result<void> problem;
  const auto sequences = write(pending, sources.front(), &problem);
  const auto written = Clock::now();
  RETURN_IF_ERROR(problem);
  for (const GeneratedSequence& sequence : sequences) {
    TextStream stream(*m_parts.tokenizer, pending.request.stop);
    RETURN_IF_ERROR(stream.finish(known_ids(*m_parts.tokenizer, sequence.ids)));
    response.texts.push_back({stream.text(), sequence.ids, sequence.reason});
    m_stats.tokens.add(sequence.ids.size());
  }
  response.encode_ms = milliseconds(encoded - start);
  response.decode_ms = milliseconds(written - encoded);
  response.detokenize_ms = milliseconds(Clock::now() - written);
  return std::move(response);
}

void Generator::count(const Result<GenerateResponse>& result) {
  if (result) {
    m_stats.requests_succeeded.add();
    m_stats.texts.add(result->texts.size());
    m_stats.truncated_texts.add(result->truncated ? 1 : 0);
    return;
  }
  switch (result.error().code) {
    case StatusCode::kOverloaded: m_stats.requests_overloaded.add(); break;
    case StatusCode::kInvalidArgument:
    case StatusCode::kTooLarge: m_stats.requests_rejected.add(); break;
    default: m_stats.requests_failed.add(); break;
  }
}

}  // namespace vivace
