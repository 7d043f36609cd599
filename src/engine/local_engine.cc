#include "engine/local_engine.h"

#include <utility>

#include "base/check.h"

namespace vivace {
namespace {

// A request's turn in a batch. Small against a batch, so that many requests share one; large against a text.
constexpr size_t kSliceTokens = 512;

double milliseconds(EngineClock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double seconds(EngineClock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

LocalEngine::LocalEngine(EmbeddingPipeline pipeline, ModelInfo info, LocalEngineSettings settings)
    : m_pipeline(std::move(pipeline)),
      m_info(std::move(info)),
      m_settings(std::move(settings)),
      m_workspace(m_settings.pool->threads()) {
  m_thread = std::thread([this] { serve(); });
}

LocalEngine::~LocalEngine() {
  {
    const std::lock_guard lock(m_mutex);
    m_state = State::kStopping;
  }
  m_work.notify_all();
  m_thread.join();
}

Result<void> LocalEngine::warm_up() {
  // One text of a few tokens and one as long as the model takes: the second sizes the scratch memory.
  EmbedRequest request;
  request.texts.emplace_back("warm up");
  std::string longest;
  for (int i = 0; i < m_pipeline.max_tokens(); ++i) longest += "a ";
  request.texts.push_back(std::move(longest));
  const auto response = embed(std::move(request));
  if (!response) return std::unexpected(response.error());
  return {};
}

Result<void> LocalEngine::admit(size_t texts) {
  const std::lock_guard lock(m_mutex);
  if (m_state != State::kServing) return error(StatusCode::kUnavailable, "the model is shutting down");
  const size_t waiting = m_queue.waiting_texts() + m_reserved_texts;
  if (waiting > 0 && waiting + texts > m_settings.max_queued_texts) {
    return error(StatusCode::kOverloaded, std::to_string(waiting) + " texts are waiting, the limit is " +
                                              std::to_string(m_settings.max_queued_texts) + "; try again in a moment");
  }
  m_reserved_texts += texts;
  ++m_unanswered;
  return {};
}

void LocalEngine::submit(EmbedRequest request, EmbedCallback done) {
  const size_t texts = request.texts.size();
  if (const auto admitted = admit(texts); !admitted) {
    count(std::unexpected(admitted.error()));
    done(std::unexpected(admitted.error()));
    return;
  }
  auto pending = std::make_shared<PendingRequest>();
  pending->submitted = EngineClock::now();
  pending->done = std::move(done);
  auto sequences = m_pipeline.tokenize(request);
  const auto tokenized = EngineClock::now();
  m_stats.tokenize_seconds.observe(seconds(tokenized - pending->submitted));
  pending->response.tokenize_ms = milliseconds(tokenized - pending->submitted);
  request.texts.clear();
  request.texts.shrink_to_fit();
  pending->request = std::move(request);
  if (!sequences) {
    {
      const std::lock_guard lock(m_mutex);
      m_reserved_texts -= texts;
    }
    answer(*pending, std::unexpected(std::move(sequences).error()));
    return;
  }
  pending->sequences = std::move(*sequences);
  pending->unfinished = texts;
  pending->response.embeddings.resize(texts);
  m_stats.requests_accepted.add();
  enqueue(std::move(pending));
}

void LocalEngine::enqueue(std::shared_ptr<PendingRequest> request) {
  {
    const std::lock_guard lock(m_mutex);
    m_reserved_texts -= request->sequences.size();
    m_queue.push(std::move(request));
    show_queue();
  }
  m_work.notify_one();
}

void LocalEngine::drain() {
  std::unique_lock lock(m_mutex);
  if (m_state == State::kServing) m_state = State::kDraining;
  m_idle.wait(lock, [this] { return m_unanswered == 0; });
}

void LocalEngine::serve() {
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_work.wait(lock, [this] { return !m_queue.empty() || (m_state == State::kStopping && m_unanswered == 0); });
    const bool stopping = m_state == State::kStopping;
    if (stopping && m_unanswered == 0) return;
    const auto now = EngineClock::now();
    const auto ended = stopping ? m_queue.remove_all() : m_queue.remove_ended(now);
    const auto items = m_queue.cut_batch(m_settings.max_batch_tokens, kSliceTokens);
    show_queue();
    lock.unlock();
    for (const auto& request : ended) {
      auto alive = check_alive(*request, now);
      if (alive) alive = error(StatusCode::kUnavailable, "the model was shut down before it could answer");
      answer(*request, std::unexpected(std::move(alive).error()));
    }
    if (!items.empty()) run_batch(items);
    lock.lock();
  }
}

void LocalEngine::run_batch(const std::vector<BatchItem>& items) {
  const auto start = EngineClock::now();
  m_batch.clear();
  for (const auto& item : items) {
    const TokenSequence& tokens = item.request->sequences[item.text];
    m_batch.append(tokens.ids, tokens.type_ids);
    m_stats.truncated_texts.add(tokens.truncated ? 1 : 0);
    if (item.request->started != EngineClock::time_point{}) continue;
    item.request->started = start;
    m_stats.queue_seconds.observe(seconds(start - item.request->submitted));
  }
  const MatrixView<const float> hidden =
      forward_batch(m_pipeline.encoder(), m_pipeline.kernels(), m_batch, *m_settings.pool, m_workspace);
  m_stats.batches.add();
  m_stats.batch_tokens.observe(m_batch.tokens());
  m_stats.tokens.add(static_cast<uint64_t>(m_batch.tokens()));
  m_stats.texts.add(items.size());
  m_stats.batch_seconds.observe(seconds(EngineClock::now() - start));
  for (size_t i = 0; i < items.size(); ++i) {
    PendingRequest& request = *items[i].request;
    const TokenSequence& tokens = request.sequences[items[i].text];
    request.response.embeddings[items[i].text] =
        m_pipeline.finish(request.request, tokens, hidden.slice_rows(m_batch.offsets[i], m_batch.offsets[i + 1]));
    if (--request.unfinished > 0) continue;
    const auto now = EngineClock::now();
    request.response.queue_ms = milliseconds(request.started - request.submitted) - request.response.tokenize_ms;
    request.response.compute_ms = milliseconds(now - request.started);
    if (const auto alive = check_alive(request, now); !alive) {
      answer(request, std::unexpected(alive.error()));
    } else {
      answer(request, std::move(request.response));
    }
  }
}

void LocalEngine::answer(PendingRequest& request, Result<EmbedResponse> result) {
  count(result);
  m_stats.request_seconds.observe(seconds(EngineClock::now() - request.submitted));
  request.done(std::move(result));
  const std::lock_guard lock(m_mutex);
  if (--m_unanswered == 0) m_idle.notify_all();
  // The engine's thread may be waiting for the last request that another thread answers.
  if (m_state == State::kStopping) m_work.notify_all();
}

void LocalEngine::count(const Result<EmbedResponse>& result) {
  if (result) {
    m_stats.requests_succeeded.add();
    return;
  }
  switch (result.error().code) {
    case StatusCode::kOverloaded:
    case StatusCode::kUnavailable: m_stats.requests_overloaded.add(); return;
    case StatusCode::kDeadlineExceeded: m_stats.requests_expired.add(); return;
    case StatusCode::kCancelled: m_stats.requests_cancelled.add(); return;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kUnsupported:
    case StatusCode::kTooLarge: m_stats.requests_rejected.add(); return;
    case StatusCode::kCorruptFile:
    case StatusCode::kInternal: m_stats.requests_failed.add(); return;
  }
}

void LocalEngine::show_queue() {
  m_stats.queued_texts.set(static_cast<int64_t>(m_queue.waiting_texts()));
  m_stats.queued_tokens.set(static_cast<int64_t>(m_queue.waiting_tokens()));
}

}  // namespace vivace
