#include "cli/ipc_session.h"

#include <utility>

#include "base/json.h"
#include "base/process_memory.h"
#include "cli/line_reader.h"

namespace vivace {
namespace {

constexpr uint64_t kMegabyte = 1'000'000;

int64_t milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
}

// The id as JSON; empty without one.
Result<std::string> read_id(const JsonValue& message, std::string_view member) {
  const auto id = message.find(member);
  if (!id) return std::string();
  if (!id->is_string() && !id->is_number()) return id->fail("expected a string or a number");
  std::string text = id->to_text();
  if (text.size() > IpcSession::kMaxIdBytes) {
    return id->fail("is longer than " + std::to_string(IpcSession::kMaxIdBytes) + " bytes");
  }
  return text;
}

void begin(JsonWriter* json, std::string_view id, std::string_view type) {
  json->begin_object();
  if (!id.empty()) json->key("id").raw(id);
  json->key("type").value(type);
}

}  // namespace

IpcSession::IpcSession(CompletionService& service, const CompletionModels& models, LineOutput& output)
    : m_service(service), m_models(models), m_output(output) {}

void IpcSession::take(std::string_view line) {
  m_output.wait_for_room();
  if (is_blank_line(line)) return;
  if (line.size() > kMaxLineBytes) {
    return refuse("", "the line has " + std::to_string(line.size()) + " bytes, more than the limit of " +
                          std::to_string(kMaxLineBytes));
  }
  const auto document = JsonDocument::parse(line, "message");
  if (!document) return refuse("", document.error().message);
  const JsonValue message = document->root();
  if (!message.is_object()) return refuse("", "message: expected an object");
  const auto id = read_id(message, "id");
  if (!id) return refuse("", id.error().message);
  const auto type = message.string_or("type", "");
  if (!type) return refuse(*id, type.error().message);
  if (*type == "ping") return pong(*id);
  if (*type == "status") return status(*id);
  if (*type == "infer") return infer(*id, line);
  if (*type == "cancel") return cancel(*id, message);
  refuse(*id, "message: type: expected \"ping\", \"status\", \"infer\" or \"cancel\", found \"" + *type + "\"");
}

void IpcSession::pong(std::string_view id) {
  JsonWriter json;
  begin(&json, id, "pong");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  json.key("timestamp").value(int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()});
  json.key("message").value("vivace is alive").end_object();
  m_output.write(json.take());
}

void IpcSession::status(std::string_view id) {
  JsonWriter json;
  begin(&json, id, "status");
  json.key("uptime").value(milliseconds_since(m_start));
  json.key("memoryMB").value(resident_bytes() / kMegabyte).key("freeMB").value(available_bytes() / kMegabyte);
  json.key("models").begin_array();
  for (const CompletionModel& model : m_models.list()) {
    json.begin_object().key("name").value(model.name).key("loaded").value(model.is_loaded);
    json.key("memoryMB").value(model.bytes / kMegabyte).end_object();
  }
  const CompletionCacheStats cache = m_service.cache_stats();
  json.end_array().key("cache").begin_object().key("entries").value(static_cast<uint64_t>(cache.entries));
  json.key("hits").value(cache.hits).key("prefixHits").value(cache.prefix_hits).key("misses").value(cache.misses);
  json.end_object().key("breakers").begin_array();
  for (const CompletionModel& model : m_models.list()) {
    const auto breaker = m_models.breaker(model.name);
    if (!breaker) continue;
    const BreakerState state = (*breaker)->snapshot(CircuitBreaker::Clock::now()).state;
    json.begin_object().key("model").value(model.name).key("state").value(breaker_state_name(state)).end_object();
  }
  json.end_array();
  {
    const std::lock_guard lock(m_mutex);
    json.key("inFlight").value(static_cast<uint64_t>(m_in_flight.size())).key("completions").value(m_completions);
  }
  m_output.write(json.end_object().take());
}

void IpcSession::infer(std::string_view id, std::string_view line) {
  const auto infer = std::make_shared<Infer>(Infer{.id = std::string(id), .body = std::string(line), .stop = {}});
  if (id.empty()) return refuse("", "message: id: is missing; without it nobody can tell whose the answer is");
  if (!m_nothing_because.empty()) return refuse(id, m_nothing_because);
  {
    const std::unique_lock lock(m_mutex);
    if (m_in_flight.contains(id)) return refuse(id, "message: id: a request with this id is still being answered");
    if (m_in_flight.size() >= kMaxInFlight) {
      return refuse(id, std::to_string(kMaxInFlight) + " requests are being answered, which is the limit");
    }
    m_in_flight.emplace(infer->id, infer);
    ++m_unanswered;
    if (!m_loaded) {
      m_parked.push_back(infer);
      return;
    }
  }
  start(infer);
}

void IpcSession::start(const std::shared_ptr<Infer>& infer) {
  Result<CompletionRequest> request = error(StatusCode::kInternal, "");
  CompletionEcho echo{.language = {}, .start = infer->start};
  {
    const auto document = JsonDocument::parse(infer->body, "message");
    request = parse_completion_request(document->root(), UnknownStrategy::kTaskPrefix);
    if (request) echo.language = document->root().string_or("language", "").value_or("");
  }
  infer->body = {};
  if (!request) return answer(*infer, echo, std::unexpected(request.error()));
  // The name that the protocol's first clients send when nobody chose one.
  if (request->model == "codet5plus-220m" && !m_models.find(request->model)) request->model.clear();
  echo.strategy = request->strategy;
  request->generate.cancel = infer->stop.get_token();
  m_service.complete(std::move(*request), [this, infer, echo](Result<Completion> completion) {
    answer(*infer, echo, std::move(completion));
  });
}

void IpcSession::answer(const Infer& infer, const CompletionEcho& echo, Result<Completion> completion) {
  forget(infer);  // first: whoever reads the answer may use its id again
  if (!completion) {
    refuse(infer.id, completion.error().message, &infer);
  } else {
    JsonWriter json;
    begin(&json, infer.id, "completion");
    write_completion(*completion, echo, &json);
    m_output.write(json.end_object().take(), std::move(completion->keep));
  }
  const std::lock_guard lock(m_mutex);
  if (--m_unanswered == 0) m_idle.notify_all();
}

void IpcSession::refuse(std::string_view id, std::string_view message, const Infer* infer) {
  JsonWriter json;
  begin(&json, id, "error");
  json.key("message").value(message);
  if (infer != nullptr) json.key("latencyMs").value(milliseconds_since(infer->start));
  m_output.write(json.end_object().take());
}

void IpcSession::forget(const Infer& infer) {
  const std::lock_guard lock(m_mutex);
  ++m_completions;
  m_in_flight.erase(m_in_flight.find(infer.id));
}

void IpcSession::cancel(std::string_view id, const JsonValue& message) {
  const auto given = read_id(message, "target");
  if (!given) return refuse(id, given.error().message);
  const std::string target = given->empty() ? std::string(id) : *given;
  if (target.empty()) return refuse(id, "message: target: is missing; name the id of the request to cancel");
  std::shared_ptr<Infer> infer;
  {
    const std::lock_guard lock(m_mutex);
    if (const auto found = m_in_flight.find(target); found != m_in_flight.end()) infer = found->second;
  }
  JsonWriter json;
  begin(&json, id, "cancelled");
  json.key("target").raw(target).key("cancelled").value(infer != nullptr);
  m_output.write(json.end_object().take());
  if (infer != nullptr) infer->stop.request_stop();
}

void IpcSession::models_loaded() {
  std::vector<std::shared_ptr<Infer>> parked;
  {
    const std::lock_guard lock(m_mutex);
    m_loaded = true;
    parked.swap(m_parked);
  }
  for (const auto& infer : parked) start(infer);
}

void IpcSession::cancel_all() {
  std::vector<std::shared_ptr<Infer>> infers;
  {
    const std::lock_guard lock(m_mutex);
    for (const auto& [id, infer] : m_in_flight) infers.push_back(infer);
  }
  for (const auto& infer : infers) infer->stop.request_stop();
}

void IpcSession::finish() {
  std::unique_lock lock(m_mutex);
  m_idle.wait(lock, [this] { return m_unanswered == 0; });
}

}  // namespace vivace
