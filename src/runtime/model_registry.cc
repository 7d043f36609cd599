#include "runtime/model_registry.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "formats/model_directory.h"

namespace vivace {
namespace {

Status unknown_model(std::string_view name, ModelKind kind) {
  if (name.empty()) {
    const std::string_view wanted = kind == ModelKind::kEncoder ? "reads texts" : "writes text";
    return {StatusCode::kNotFound, fmt::format("no model that {} is served here", wanted)};
  }
  return {StatusCode::kNotFound,
          fmt::format("the model '{}' is not served here; GET /v1/models lists those that are", name)};
}

Status wrong_kind(const ModelSnapshot& model) {
  const std::string_view does = model.kind == ModelKind::kEncoder ? "reads texts and cannot write any"
                                                                  : "writes text; it gives no vectors or labels";
  return {StatusCode::kUnsupported, fmt::format("the model '{}' {}", model.spec.name, does)};
}

const Status kShuttingDown = {StatusCode::kUnavailable, "the server is shutting down"};

}  // namespace

void ModelRegistry::tell(std::vector<Loaded>& waiting, const Result<void>& outcome) {
  for (const Loaded& done : std::exchange(waiting, {})) done(outcome);
}

std::string_view model_state_name(ModelState state) {
  switch (state) {
    case ModelState::kLoading: return "loading";
    case ModelState::kReady: return "ready";
    case ModelState::kFailed: return "failed";
    case ModelState::kUnloaded: return "unloaded";
  }
  return "unknown";
}

Result<void> check_model_directory(const ModelSpec& spec) {
  const auto directory = ModelDirectory::open(spec.directory);
  const Result<void> intact = directory ? directory->verify() : std::unexpected(directory.error());
  if (!intact) return std::unexpected(intact.error().with_context("model '" + spec.name + "'"));
  return {};
}

ModelRegistry::ModelRegistry(std::vector<ModelSpec> specs, RegistryOptions options, Loader loader, Sizer sizer)
    : m_options(std::move(options)), m_loader(std::move(loader)), m_sizer(std::move(sizer)) {
  make_pools(&m_options.engine);
  for (ModelSpec& spec : specs) m_entries.push_back(make_entry(std::move(spec)));
}

ModelRegistry::ModelRegistry(std::vector<ModelSpec> specs, EngineOptions options, Loader loader)
    : ModelRegistry(std::move(specs), RegistryOptions{.engine = std::move(options), .breaker = {}}, std::move(loader)) {
}

ModelRegistry::~ModelRegistry() {
  m_stop.request_stop();
  if (m_thread.joinable()) m_thread.join();
}

ModelRegistry::EntryPointer ModelRegistry::make_entry(ModelSpec spec) const {
  auto entry = std::make_shared<Entry>();
  // A directory that cannot be read is found out by loading it.
  entry->view.kind = model_kind_of(spec.directory).value_or(ModelKind::kEncoder);
  entry->breaker = std::make_shared<CircuitBreaker>(fmt::format("the model '{}'", spec.name), m_options.breaker);
  entry->view.spec = std::move(spec);
  entry->view.failure.message.clear();
  if (m_options.policy == LoadPolicy::kAtStart) entry->view.state = ModelState::kLoading;
  return entry;
}

ModelRegistry::EntryPointer ModelRegistry::find_entry(std::string_view name, ModelKind kind) const {
  const auto entry = std::ranges::find_if(m_entries, [&](const EntryPointer& candidate) {
    return name.empty() ? candidate->view.kind == kind : candidate->view.spec.is_called(name);
  });
  return entry == m_entries.end() ? nullptr : *entry;
}

ModelRegistry::EntryPointer ModelRegistry::find_entry(std::string_view name) const {
  return name.empty() ? nullptr : find_entry(name, ModelKind::kEncoder);
}

Result<ServedModel> ModelRegistry::use(std::string_view name, ModelKind kind) {
  const std::scoped_lock lock(m_mutex);
  const EntryPointer entry = find_entry(name, kind);
  if (entry == nullptr) return std::unexpected(unknown_model(name, kind));
  if (entry->view.kind != kind) return std::unexpected(wrong_kind(entry->view));
  if (!entry->view.model.is_loaded()) return std::unexpected(not_there(entry));
  ++entry->view.uses;
  entry->last_use = ++m_clock;
  return entry->view.model;
}

// Why a model cannot be used, and the beginning of making it so.
Status ModelRegistry::not_there(const EntryPointer& entry) {
  ModelSnapshot& model = entry->view;
  const std::string& name = model.spec.name;
  ++model.misses;
  if (model.state == ModelState::kLoading) {
    return {StatusCode::kUnavailable, fmt::format("the model '{}' is still loading; try again soon", name)};
  }
  if (!model.loads_itself) {
    return {StatusCode::kUnavailable,
            fmt::format("the model '{}' was unloaded; POST /v1/models/{}/load loads it", name, name),
            kRetryAfterAPersonSeconds};
  }
  const auto now = Clock::now();
  std::string what = fmt::format("the model '{}' is being loaded; try again soon", name);
  if (!model.failure.message.empty()) {
    what = fmt::format("the model '{}' could not be loaded: {}", name, model.failure.message);
  }
  if (now < entry->retry_at) {
    const auto seconds = static_cast<int>(std::ceil(std::chrono::duration<double>(entry->retry_at - now).count()));
    return {StatusCode::kUnavailable, fmt::format("{}; the next try is in {} s", what, seconds), seconds};
  }
  if (!m_draining) want(entry);
  return {StatusCode::kUnavailable, std::move(what)};
}

Result<std::shared_ptr<Engine>> ModelRegistry::find(std::string_view name) {
  ASSIGN_OR_RETURN(const ServedModel model, use(name, ModelKind::kEncoder));
  return model.engine;
}

Result<std::shared_ptr<Generator>> ModelRegistry::find_generator(std::string_view name) {
  ASSIGN_OR_RETURN(const ServedModel model, use(name, ModelKind::kGenerator));
  return model.generator;
}

Result<std::shared_ptr<CircuitBreaker>> ModelRegistry::breaker(std::string_view name) const {
  const std::scoped_lock lock(m_mutex);
  const EntryPointer entry = find_entry(name);
  if (entry == nullptr) return std::unexpected(unknown_model(name, ModelKind::kGenerator));
  return entry->breaker;
}

bool ModelRegistry::is_loaded(std::string_view name) const {
  const std::scoped_lock lock(m_mutex);
  const EntryPointer entry = find_entry(name);
  return entry != nullptr && entry->view.model.is_loaded();
}

std::string ModelRegistry::default_name(ModelKind kind) const {
  const std::scoped_lock lock(m_mutex);
  const EntryPointer entry = find_entry("", kind);
  return entry == nullptr ? std::string() : entry->view.spec.name;
}

std::vector<ModelSnapshot> ModelRegistry::snapshot() const {
  const std::scoped_lock lock(m_mutex);
  std::vector<ModelSnapshot> models;
  models.reserve(m_entries.size());
  for (const EntryPointer& entry : m_entries) models.push_back(view_of(*entry));
  return models;
}

std::optional<ModelSnapshot> ModelRegistry::snapshot(std::string_view name) const {
  const std::scoped_lock lock(m_mutex);
  const EntryPointer entry = find_entry(name);
  if (entry == nullptr) return std::nullopt;
  return view_of(*entry);
}

ModelSnapshot ModelRegistry::view_of(const Entry& entry) {
  ModelSnapshot view = entry.view;
  view.breaker = entry.breaker->snapshot(Clock::now());
  return view;
}

bool ModelRegistry::all_ready() const {
  const std::scoped_lock lock(m_mutex);
  // A model that is not loaded may be when it is asked for; but where none ever can be, nothing is ready.
  const auto never_fits = [](const EntryPointer& entry) { return entry->never_fits && !entry->view.model.is_loaded(); };
  if (!m_entries.empty() && std::ranges::all_of(m_entries, never_fits)) return false;
  return std::ranges::all_of(m_entries, [](const EntryPointer& entry) {
    return entry->view.state == ModelState::kReady || entry->view.state == ModelState::kUnloaded;
  });
}

bool ModelRegistry::all_failed() const {
  const std::scoped_lock lock(m_mutex);
  return std::ranges::all_of(m_entries,
                             [](const EntryPointer& entry) { return entry->view.state == ModelState::kFailed; });
}

size_t ModelRegistry::used_bytes() const {
  const std::scoped_lock lock(m_mutex);
  return used_bytes_locked();
}

size_t ModelRegistry::used_bytes_locked() const {
  size_t bytes = 0;
  for (const EntryPointer& entry : m_entries) {
    if (entry->view.model.is_loaded()) bytes += entry->view.memory.total();
  }
  return bytes;
}

void ModelRegistry::drain() {
  std::vector<ServedModel> loaded;
  {
    const std::scoped_lock lock(m_mutex);
    m_draining = true;
    m_tasks.clear();
    for (const EntryPointer& entry : m_entries) {
      tell(entry->waiting, std::unexpected(kShuttingDown));
      tell(entry->waiting_for_unload, std::unexpected(kShuttingDown));
      if (entry->view.model.is_loaded()) loaded.push_back(entry->view.model);
    }
  }
  m_stop.request_stop();
  // Outside the lock: requests go on asking for their model while the queues run empty.
  for (const ServedModel& model : loaded) model.drain();
}

}  // namespace vivace
