#include "apps/claims/claims_service.h"

#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>

#include <fmt/format.h>

#include "apps/claims/task_json.h"
#include "apps/claims/uuid.h"
#include "base/log.h"

namespace vivace {
namespace {

Status as_unavailable(Status status, std::string_view what) {
  return {StatusCode::kUnavailable, std::string(what) + ": " + std::move(status).message, kRetryAfterAPersonSeconds};
}

void log_verdict(const VerifyRequest& request, const VerifyAnswer& answer) {
  const AggregatedVerdict& verdict = answer.judgement->verdict;
  log_info("claim_verified claim_id={} tenant={} verdict={} confidence={:.3f} evidence={} cached={} ms={:.1f}",
           answer.claim_id, request.tenant, verdict_name(verdict.verdict), verdict.confidence, verdict.evidence_count,
           answer.cached, answer.total_ms);
}

}  // namespace

std::string default_store_path() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/vivace/evidence.db";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.local/state/vivace/evidence.db";
  return "";
}

ClaimsService::ClaimsService(ClaimsOptions options, ModelRegistry& models)
    : m_options(std::move(options)), m_models(models), m_cache(m_options.cache_bytes) {}

ClaimsService::~ClaimsService() {
  stop();
}

void ClaimsService::start() {
  std::error_code ignored;
  const bool exists =
      is_postgres_address(m_options.store) ||
      std::filesystem::exists(m_options.store.empty() ? default_store_path() : m_options.store, ignored);
  if (!exists) return;
  if (const auto opened = store(); !opened) log_warning("{}", opened.error().message);
}

void ClaimsService::stop() {
  std::unique_ptr<TaskRunner> tasks;
  {
    const std::lock_guard lock(m_mutex);
    m_stopped = true;
    tasks = std::move(m_tasks);
  }
}

Result<EvidenceStore*> ClaimsService::store() {
  const std::lock_guard lock(m_mutex);
  if (m_store != nullptr) return m_store.get();
  if (m_stopped) return error(StatusCode::kUnavailable, "the server is stopping");
  std::string location = m_options.store;
  if (location.empty()) {
    location = default_store_path();
    if (location.empty()) {
      return error(StatusCode::kUnavailable, "no evidence store; name a file with --store", kRetryAfterAPersonSeconds);
    }
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(location).parent_path(), failed);
  }
  auto opened = open_evidence_store(location);
  if (!opened) {
    return std::unexpected(as_unavailable(std::move(opened).error(), "the evidence store cannot be opened (--store)"));
  }
  m_store = std::move(*opened);
  m_has_open_store = true;
  m_tasks = std::make_unique<TaskRunner>(
      *m_store, m_options.tasks, [this](const TaskRecord& task, const auto& progress, const std::stop_token& stop) {
        return run_task(task, progress, stop);
      });
  return m_store.get();
}

Result<std::shared_ptr<Engine>> ClaimsService::model(std::string_view role) {
  auto engine = m_models.find(role);
  if (engine) return engine;
  if (engine.error().code != StatusCode::kNotFound) return engine;
  return error(StatusCode::kUnavailable,
               fmt::format("no model is named '{0}'; start the server with --model {0}=DIR", role),
               kRetryAfterAPersonSeconds);
}

Result<std::shared_ptr<Engine>> ClaimsService::await_model(std::string_view role, const Patience& patience) {
  auto engine = model(role);
  if (engine || engine.error().code != StatusCode::kUnavailable) return engine;
  // Shared: it is told also when nobody waits any more.
  const auto settled = std::make_shared<std::promise<void>>();
  m_models.when_settled(role, ModelKind::kEncoder, [settled](const Result<void>&) { settled->set_value(); });
  const std::future<void> ended = settled->get_future();
  if (patience.deadline) {
    ended.wait_until(*patience.deadline);
  } else {
    ended.wait();
  }
  return model(role);
}

Result<VerifyAnswer> ClaimsService::verify(const VerifyRequest& request) {
  ASSIGN_OR_RETURN(EvidenceStore* const evidence, store());
  std::shared_ptr<Engine> embedder;
  if (request.mode != SearchMode::kKeyword) {
    ASSIGN_OR_RETURN(embedder, await_model(kEmbedderRole, request.patience));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<Engine> entailment, await_model(kEntailmentRole, request.patience));
  ClaimVerifier verifier(*evidence, &m_cache, m_stats);
  auto answer = verifier.verify({.embedder = embedder.get(), .entailment = entailment.get()}, request);
  if (!answer) return answer;
  log_verdict(request, *answer);
  if (!answer->not_stored_because.empty()) log_warning("a verdict was not stored: {}", answer->not_stored_because);
  m_history.record("verification_latency_ms", answer->total_ms);
  if (!answer->cached) {
    for (size_t i = 0; i < kVerifyStages; ++i) {
      m_history.record(fmt::format("{}_latency_ms", verify_stage_name(static_cast<VerifyStage>(i))),
                       answer->stage_ms[i]);
    }
  }
  return answer;
}

Result<TaskRecord> ClaimsService::verify_later(const VerifyRequest& request) {
  ASSIGN_OR_RETURN(EvidenceStore* const evidence, store());
  TaskRecord task;
  task.id = random_uuid();
  task.tenant = request.tenant;
  task.claim_id = request.claim_id;
  task.request = write_task_request(request);
  int retries = 0;
  RETURN_IF_ERROR(with_retries(kWriteRetries, request.patience, &retries, [&]() -> Result<void> {
    // A connection that was lost while committing leaves open whether it did.
    if (retries > 0 && evidence->task(task.tenant, task.id)) return {};
    return evidence->add_task(task);
  }));
  {
    const std::lock_guard lock(m_mutex);
    if (m_tasks != nullptr) m_tasks->wake();
  }
  return evidence->task(task.tenant, task.id);
}

bool ClaimsService::is_loading() const {
  const auto is_loading = [this](std::string_view role) {
    const auto model = m_models.snapshot(role);
    return model && model->state == ModelState::kLoading;
  };
  return is_loading(kEmbedderRole) || is_loading(kEntailmentRole);
}

Result<std::string> ClaimsService::run_task(const TaskRecord& task,
                                            const std::function<Result<void>(uint64_t)>& progress,
                                            const std::stop_token& stop) {
  ASSIGN_OR_RETURN(VerifyRequest request, read_task_request(task));
  request.patience.deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(m_options.task_seconds * 1000));
  request.patience.cancel = stop;
  // After a restart the tasks are there before the models are.
  while (is_loading() && pause_within(std::chrono::milliseconds(100), request.patience)) continue;
  request.on_stage = [&](VerifyStage stage) {
    // Should somebody else have taken the task meanwhile, both finish it: the verdicts are the same.
    static_cast<void>(progress(static_cast<uint64_t>(stage) * 100 / kVerifyStages));
  };
  ASSIGN_OR_RETURN(const VerifyAnswer answer, verify(request));
  if (!answer.not_stored_because.empty()) return error(StatusCode::kUnavailable, answer.not_stored_because);
  EvidenceStore* const evidence = store().value();
  ASSIGN_OR_RETURN(const VerificationRecord stored, evidence->verification(task.tenant, task.claim_id));
  return write_task_result(request, answer, stored.created_at);
}

}  // namespace vivace
