#include "runtime/model_registry.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/cpu_topology.h"
#include "base/log.h"
#include "formats/model_directory.h"

namespace vivace {
namespace {

Status unknown_model(std::string_view name, ModelKind kind) {
  if (name.empty()) {
    const std::string_view wanted = kind == ModelKind::kEncoder ? "reads texts" : "writes text";
    return {StatusCode::kNotFound, "no model that " + std::string(wanted) + " is served here"};
  }
  return {StatusCode::kNotFound,
          "the model '" + std::string(name) + "' is not served here; GET /v1/models lists those that are"};
}

Status wrong_kind(const ModelSnapshot& model) {
  const std::string_view does = model.kind == ModelKind::kEncoder ? "reads texts and cannot write any"
                                                                  : "writes text; it gives no vectors or labels";
  return {StatusCode::kUnsupported, "the model '" + model.spec.name + "' " + std::string(does)};
}

}  // namespace

std::string_view model_state_name(ModelState state) {
  switch (state) {
    case ModelState::kLoading: return "loading";
    case ModelState::kReady: return "ready";
    case ModelState::kFailed: return "failed";
  }
  return "unknown";
}

Result<void> check_model_directory(const ModelSpec& spec) {
  const auto directory = ModelDirectory::open(spec.directory);
  if (!directory) return std::unexpected(directory.error().with_context("model '" + spec.name + "'"));
  return {};
}

ModelRegistry::ModelRegistry(std::vector<ModelSpec> specs, EngineOptions options, Loader loader)
    : m_options(std::move(options)), m_loader(std::move(loader)) {
  if (m_options.pool == nullptr) {
    const int threads = m_options.threads > 0 ? m_options.threads : read_cpu_limits().usable_threads();
    m_options.pool = std::make_shared<ThreadPool>(threads);
  }
  for (ModelSpec& spec : specs) {
    // A directory that cannot be read is found out by loading it.
    const ModelKind kind = model_kind_of(spec.directory).value_or(ModelKind::kEncoder);
    m_models.push_back({.spec = std::move(spec), .failure = {}, .kind = kind, .model = {}});
  }
}

ModelRegistry::~ModelRegistry() {
  m_thread.request_stop();
  if (m_thread.joinable()) m_thread.join();
}

void ModelRegistry::start(std::function<void()> done) {
  m_thread = std::jthread([this, done = std::move(done)](const std::stop_token& stop) {
    load_all(stop);
    done();
  });
}

void ModelRegistry::load_all(const std::stop_token& stop) {
  for (size_t i = 0; i < m_models.size() && !stop.stop_requested(); ++i) {
    // The specs are written before the thread starts and never again, so they need no lock.
    publish(i, load(m_models[i].spec));
  }
}

Result<ServedModel> ModelRegistry::load(const ModelSpec& spec) const {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(ServedModel model, m_loader(spec.directory, m_options));
  RETURN_IF_ERROR(model.warm_up());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  log_info("model {} is ready after {:.0f} ms ({})", spec.name, took.count(), spec.directory);
  return model;
}

void ModelRegistry::publish(size_t index, Result<ServedModel> loaded) {
  const std::scoped_lock lock(m_mutex);
  ModelSnapshot& model = m_models[index];
  if (!loaded) {
    model.state = ModelState::kFailed;
    model.failure = std::move(loaded).error();
    log_error("model {} could not be loaded: {}", model.spec.name, model.failure.message);
  } else if (m_draining) {
    model.state = ModelState::kFailed;
    model.failure = {StatusCode::kUnavailable, "the server is shutting down"};
  } else {
    model.state = ModelState::kReady;
    model.model = std::move(*loaded);
    model.kind = model.model.kind();
  }
}

Result<ServedModel> ModelRegistry::find_model(std::string_view name, ModelKind kind) const {
  const std::scoped_lock lock(m_mutex);
  const auto model = std::ranges::find_if(m_models, [&](const ModelSnapshot& candidate) {
    return name.empty() ? candidate.kind == kind : candidate.spec.name == name;
  });
  if (model == m_models.end()) return std::unexpected(unknown_model(name, kind));
  if (model->kind != kind) return std::unexpected(wrong_kind(*model));
  switch (model->state) {
    case ModelState::kReady: return model->model;
    case ModelState::kLoading:
      return error(StatusCode::kUnavailable, "the model '" + model->spec.name + "' is still loading; try again soon");
    case ModelState::kFailed:
      return error(StatusCode::kUnavailable,
                   "the model '" + model->spec.name + "' could not be loaded: " + model->failure.message);
  }
  return error(StatusCode::kInternal, "a model is in no known state");
}

Result<std::shared_ptr<Engine>> ModelRegistry::find(std::string_view name) const {
  ASSIGN_OR_RETURN(const ServedModel model, find_model(name, ModelKind::kEncoder));
  return model.engine;
}

Result<std::shared_ptr<Generator>> ModelRegistry::find_generator(std::string_view name) const {
  ASSIGN_OR_RETURN(const ServedModel model, find_model(name, ModelKind::kGenerator));
  return model.generator;
}

std::string_view ModelRegistry::default_name(ModelKind kind) const {
  const std::scoped_lock lock(m_mutex);
  const auto model = std::ranges::find(m_models, kind, &ModelSnapshot::kind);
  return model == m_models.end() ? std::string_view() : std::string_view(model->spec.name);
}

std::vector<ModelSnapshot> ModelRegistry::snapshot() const {
  const std::scoped_lock lock(m_mutex);
  return m_models;
}

bool ModelRegistry::all_ready() const {
  const std::scoped_lock lock(m_mutex);
  return std::ranges::all_of(m_models, [](const ModelSnapshot& model) { return model.state == ModelState::kReady; });
}

bool ModelRegistry::all_failed() const {
  const std::scoped_lock lock(m_mutex);
  return std::ranges::all_of(m_models, [](const ModelSnapshot& model) { return model.state == ModelState::kFailed; });
}

void ModelRegistry::drain() {
  std::vector<ServedModel> loaded;
  {
    const std::scoped_lock lock(m_mutex);
    m_draining = true;
    for (const ModelSnapshot& model : m_models) {
      if (model.model.is_loaded()) loaded.push_back(model.model);
    }
  }
  m_thread.request_stop();
  // Outside the lock: requests go on asking for their model while the queues run empty.
  for (const ServedModel& model : loaded) model.drain();
}

}  // namespace vivace
