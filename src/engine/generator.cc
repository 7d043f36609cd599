#include "engine/generator.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/cpu_topology.h"
#include "base/utf8.h"
#include "models/packed_batch.h"

namespace vivace {
namespace {

// Rows of one pass over the decoder. Up to the first number guessed tokens fill the pass up: there they cost little,
// since reading the weights is what takes the time. Newcomers wait while more than the second are written.
constexpr int kCheapRows = 8;
constexpr int kMostRows = 64;
constexpr size_t kMostTokensRead = 1024;  // by the encoder between two passes, unless one source is longer
constexpr size_t kSourceCacheBytes = size_t{64} << 20;

}  // namespace

Generator::Generator(GeneratorParts parts, GeneratorInfo info)
    : m_parts(std::move(parts)),
      m_info(std::move(info)),
      m_workspace(m_parts.pool->threads()),
      m_sources(kSourceCacheBytes) {
  m_thread = std::thread([this] { serve(); });
}

Generator::~Generator() {
  {
    const std::lock_guard lock(m_mutex);
    m_state = State::kStopping;
  }
  m_work.notify_all();
  m_thread.join();
}

Result<void> Generator::check(const GenerateRequest& request) const {
  if (request.text.empty()) return error(StatusCode::kInvalidArgument, "the text is empty");
  if (find_invalid_utf8(request.text) != kValidUtf8 || find_invalid_utf8(request.hint) != kValidUtf8) {
    return error(StatusCode::kInvalidArgument, "the text is not valid UTF-8");
  }
  // First the model's limit: its message names it.
  RETURN_IF_ERROR(check_generation_options(request.options, m_info.max_new_tokens + 1));
  return check_generate_options(request);
}

Result<void> Generator::warm_up() {
  GenerateRequest request;
  request.text = "a";
  request.options.max_new_tokens = std::min(2, m_info.max_new_tokens);
  const auto response = generate(std::move(request));
  if (!response) return std::unexpected(response.error());
  m_stats.reset();
  return {};
}

Result<void> Generator::enqueue(const std::shared_ptr<GeneratorTask>& task) {
  const std::lock_guard lock(m_mutex);
  if (m_state != State::kServing) return error(StatusCode::kUnavailable, "the model is shutting down");
  if (m_queue.size() >= std::max<size_t>(m_parts.max_queued, 1)) forget_answered();
  if (m_queue.size() >= std::max<size_t>(m_parts.max_queued, 1)) {
    return error(StatusCode::kOverloaded,
                 std::to_string(m_queue.size()) + " requests are waiting, which is the limit; try again in a moment");
  }
  m_queue.push_back(task);
  ++m_unanswered;
  m_stats.requests_accepted.add();
  m_stats.queued_texts.set(static_cast<int64_t>(m_queue.size()));
  m_work.notify_one();
  return {};
}

void Generator::watch(const std::shared_ptr<GeneratorTask>& task) {
  const GenerateRequest& request = task->request();
  if (!request.deadline.has_value() && !request.cancel.stop_possible()) return;
  const uint64_t id = m_watch.add(request.deadline, request.cancel, [task](WatchEvent event) {
    task->end(event == WatchEvent::kDeadline ? FinishReason::kDeadline : FinishReason::kCancelled);
  });
  task->set_watch_id(id);
  if (task->answered()) m_watch.forget(id);  // it was faster
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): a request that is accepted keeps it
void Generator::submit(GenerateRequest request, Callback done) {
  Result<void> accepted = check(request);
  std::shared_ptr<GeneratorTask> task;
  if (accepted) {
    const bool is_cut = request.is_cut;
    task = std::make_shared<GeneratorTask>(*m_parts.tokenizer, std::move(request),
                                           [this, done, is_cut](Result<GenerateResponse> result) {
                                             if (result && is_cut) m_stats.truncated_texts.add();
                                             count(result);
                                             done(std::move(result));
                                             release();
                                           });
    accepted = task->tokenize(m_info.model.max_tokens);
  }
  if (accepted) accepted = enqueue(task);
  if (accepted) {
    watch(task);
    return;
  }
  const Result<GenerateResponse> refused = std::unexpected(std::move(accepted).error());
  count(refused);
  done(refused);
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
  m_idle.wait(lock, [this] { return m_unanswered == 0; });
}

void Generator::release() {
  const std::lock_guard lock(m_mutex);
  if (--m_unanswered == 0) m_idle.notify_all();
}

void Generator::serve() {
  bind_this_thread(m_parts.pool->cpus());
  Tasks running;
  Tasks joining;
  while (wait_for_work(running, &joining)) {
    read_sources(joining);
    running.insert(running.end(), joining.begin(), joining.end());
    write_tokens(running);
    std::erase_if(running, [this](const auto& task) {
      if (!task->answered()) return false;
      m_watch.forget(task->watch_id());
      return true;
    });
  }
  for (const auto& task : running) task->end(FinishReason::kCancelled);
  std::unique_lock lock(m_mutex);
  const auto waiting = std::exchange(m_queue, {});
  lock.unlock();
  for (const auto& task : waiting) {
    task->fail({StatusCode::kUnavailable, "the model was shut down before it could answer"});
  }
}

void Generator::forget_answered() {
  std::erase_if(m_queue, [](const auto& task) { return task->answered(); });
}

// Takes those who may join the running ones now. False when the generator ends.
bool Generator::wait_for_work(const Tasks& running, Tasks* joining) {
  joining->clear();
  int rows = 0;
  for (const auto& task : running) rows += task->needed_rows();
  size_t tokens = 0;
  std::unique_lock lock(m_mutex);
  if (running.empty()) m_work.wait(lock, [this] { return !m_queue.empty() || m_state == State::kStopping; });
  if (m_state == State::kStopping) return false;
  forget_answered();
  while (!m_queue.empty()) {
    const std::shared_ptr<GeneratorTask>& task = m_queue.front();
    rows += task->needed_rows();
    tokens += task->source().ids.size();
    const bool is_first = running.empty() && joining->empty();
    if (!is_first && (rows > kMostRows || tokens > kMostTokensRead)) break;
    joining->push_back(task);
    m_queue.pop_front();
  }
  m_stats.queued_texts.set(static_cast<int64_t>(m_queue.size()));
  return true;
}

void Generator::read_sources(const Tasks& joining) {
  PackedBatch batch;
  Tasks unread;
  for (const auto& task : joining) {
    if (!task->leave_queue()) continue;
    if (EncodedSource known = m_sources.find(task->source().ids); known != nullptr) {
      task->begin(*m_parts.model, std::move(known), m_parts.tokens, SourceOrigin::kCached);
    } else {
      batch.append(task->source().ids, task->source().type_ids);
      unread.push_back(task);
    }
  }
  if (unread.empty()) return;
  for (Arena& arena : m_workspace.arenas()) arena.reset();
  const ExecutionContext context{m_parts.kernels, m_parts.pool.get(), m_workspace.arenas()};
  auto sources = m_parts.model->encode(context, {batch.ids, batch.positions, batch.type_ids, batch.offsets}, nullptr);
  for (size_t i = 0; i < unread.size(); ++i) {
    m_sources.put(unread[i]->source().ids, sources[i]);
    unread[i]->begin(*m_parts.model, std::move(sources[i]), m_parts.tokens, SourceOrigin::kRead);
  }
}

// One pass over the decoder for all.
void Generator::write_tokens(const Tasks& running) {
  int needed = 0;
  for (const auto& task : running) needed += task->needed_rows();
  const int spare = running.empty() ? 0 : std::max(0, kCheapRows - needed) / static_cast<int>(running.size());
  std::vector<std::pair<GeneratorTask*, int>> taking;  // with the rows that are each one's
  m_steps.clear();
  int rows = 0;
  for (const auto& task : running) {
    task->propose(task->needed_rows() + spare, &m_steps);
    const int all_rows = count_rows(m_steps);
    taking.emplace_back(task.get(), all_rows - std::exchange(rows, all_rows));
  }
  if (rows == 0) return;
  const int vocabulary = m_info.model.vocabulary_size;
  m_logits.resize(static_cast<size_t>(rows) * static_cast<size_t>(vocabulary));
  const MatrixView<float> logits{m_logits.data(), rows, vocabulary, vocabulary};
  for (Arena& arena : m_workspace.arenas()) arena.reset();
  const ExecutionContext context{m_parts.kernels, m_parts.pool.get(), m_workspace.arenas()};
  m_parts.model->decode(context, m_steps, logits, nullptr);
  m_stats.batches.add();
  int row = 0;
  for (const auto& [task, own_rows] : taking) {
    task->take(logits.slice_rows(row, row + own_rows));
    row += own_rows;
  }
}

void Generator::count(const Result<GenerateResponse>& result) {
  if (result) {
    m_stats.requests_succeeded.add();
    m_stats.texts.add(result->texts.size());
    m_stats.truncated_texts.add(result->truncated ? 1 : 0);
    m_stats.queue_seconds.observe(result->queue_ms / 1e3);
    for (const GeneratedText& text : result->texts) m_stats.tokens.add(text.token_ids.size());
    const FinishReason reason = result->texts.front().finish_reason;
    if (reason == FinishReason::kDeadline) m_stats.requests_expired.add();
    if (reason == FinishReason::kCancelled) m_stats.requests_cancelled.add();
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
