#include "runtime/model_registry.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/cpu_topology.h"
#include "base/log.h"
#include "formats/model_directory.h"

namespace vivace {

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
  for (ModelSpec& spec : specs) m_models.push_back({.spec = std::move(spec), .failure = {}, .engine = nullptr});
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

Result<std::shared_ptr<Engine>> ModelRegistry::load(const ModelSpec& spec) const {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, m_loader(spec.directory, m_options));
  RETURN_IF_ERROR(engine->warm_up());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  log_info("model {} is ready after {:.0f} ms ({})", spec.name, took.count(), spec.directory);
  return engine;
}

void ModelRegistry::publish(size_t index, Result<std::shared_ptr<Engine>> engine) {
  const std::scoped_lock lock(m_mutex);
  ModelSnapshot& model = m_models[index];
  if (!engine) {
    model.state = ModelState::kFailed;
    model.failure = std::move(engine).error();
    log_error("model {} could not be loaded: {}", model.spec.name, model.failure.message);
  } else if (m_draining) {
    model.state = ModelState::kFailed;
    model.failure = {StatusCode::kUnavailable, "the server is shutting down"};
  } else {
    model.state = ModelState::kReady;
    model.engine = std::move(*engine);
  }
}

Result<std::shared_ptr<Engine>> ModelRegistry::find(std::string_view name) const {
  const std::scoped_lock lock(m_mutex);
  const auto model = name.empty() ? m_models.begin() : std::ranges::find(m_models, name, [](const ModelSnapshot& m) {
    return std::string_view(m.spec.name);
  });
  if (model == m_models.end()) {
    return error(StatusCode::kNotFound, "the model '" + std::string(name) +
                                            "' is not served here; GET /v1/models "
                                            "lists those that are");
  }
  switch (model->state) {
    case ModelState::kReady: return model->engine;
    case ModelState::kLoading:
      return error(StatusCode::kUnavailable, "the model '" + model->spec.name + "' is still loading; try again soon");
    case ModelState::kFailed:
      return error(StatusCode::kUnavailable,
                   "the model '" + model->spec.name + "' could not be loaded: " + model->failure.message);
  }
  return error(StatusCode::kInternal, "a model is in no known state");
}

std::string_view ModelRegistry::default_name() const {
  return m_models.empty() ? std::string_view() : std::string_view(m_models.front().spec.name);
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
  std::vector<std::shared_ptr<Engine>> engines;
  {
    const std::scoped_lock lock(m_mutex);
    m_draining = true;
    for (const ModelSnapshot& model : m_models) {
      if (model.engine != nullptr) engines.push_back(model.engine);
    }
  }
  m_thread.request_stop();
  // Outside the lock: requests go on asking for their model while the queues run empty.
  for (const auto& engine : engines) engine->drain();
}

}  // namespace vivace
