// The half of ModelRegistry that loads, evicts and unloads: what its own thread does.
#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "runtime/guarded_engine.h"
#include "runtime/model_registry.h"

namespace vivace {
namespace {

constexpr double kLongestRetrySeconds = 60;
// How long a model in use may stand in the way of one that shall be loaded, and how long a retired one may go on.
constexpr auto kRoomPatience = std::chrono::seconds(1);
constexpr auto kRetirePatience = std::chrono::seconds(30);
constexpr auto kPollInterval = std::chrono::milliseconds(5);

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Whether nobody but the registry holds the model.
bool is_idle(const ServedModel& model) {
  return model.engine != nullptr ? model.engine.use_count() == 1 : model.generator.use_count() == 1;
}

std::unexpected<Status> no_room(size_t needed, size_t used, size_t budget, std::string_view why) {
  return error(StatusCode::kUnavailable,
               fmt::format("it needs {}, the models that are loaded take {} of the budget of {}, {}; raise "
                           "memory_budget_mb or unload a model",
                           format_bytes(needed), format_bytes(used), format_bytes(budget), why));
}

// A system that gives no more memory must not take those down with it who are served.
Result<ServedModel> load_or_refuse(const ModelRegistry::Loader& loader, const std::string& directory,
                                   const EngineOptions& options) {
  try {
    return loader(directory, options);
  } catch (const std::bad_alloc&) {
    return error(StatusCode::kUnavailable,
                 directory + ": the system gives no more memory; unload a model, or raise the process's limit");
  }
}

}  // namespace

void ModelRegistry::start(std::function<void()> done) {
  {
    const std::scoped_lock lock(m_mutex);
    m_started = std::move(done);
    if (m_options.policy == LoadPolicy::kAtStart) {
      for (const EntryPointer& entry : m_entries) want(entry);
    }
    add_task([this] { finish_start(); });
  }
  m_thread = std::jthread([this] { work(m_stop.get_token()); });
}

void ModelRegistry::add_task(Task task) {
  m_tasks.push_back(std::move(task));
  m_wake.notify_one();
}

void ModelRegistry::want(const EntryPointer& entry) {
  if (entry->queued) return;
  entry->queued = true;
  if (!entry->view.model.is_loaded()) entry->view.state = ModelState::kLoading;
  add_task([this, entry] { load_entry(entry); });
}

void ModelRegistry::work(const std::stop_token& stop) {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(m_mutex);
      if (!m_wake.wait(lock, stop, [this] { return !m_tasks.empty(); }) || stop.stop_requested()) break;
      task = std::move(m_tasks.front());
      m_tasks.pop_front();
    }
    task();
  }
  finish_start();
}

void ModelRegistry::finish_start() {
  std::function<void()> started;
  {
    const std::scoped_lock lock(m_mutex);
    m_starting = false;
    started = std::exchange(m_started, nullptr);
  }
  if (started) started();
}

void ModelRegistry::load(std::string_view name, Loaded done) {
  {
    const std::scoped_lock lock(m_mutex);
    const EntryPointer entry = m_draining ? nullptr : find_entry(name);
    if (entry != nullptr && (entry->queued || !entry->view.model.is_loaded())) {
      entry->view.loads_itself = true;
      entry->waiting.push_back(std::move(done));
      return want(entry);
    }
    if (entry != nullptr) {
      ++entry->view.uses;
      entry->last_use = ++m_clock;
    }
  }
  if (is_loaded(name)) return done({});
  done(error(StatusCode::kNotFound, fmt::format("the model '{}' is not in the configuration", name)));
}

void ModelRegistry::when_settled(std::string_view name, ModelKind kind, Loaded done) {
  {
    const std::scoped_lock lock(m_mutex);
    const EntryPointer entry = find_entry(name, kind);
    if (entry != nullptr && entry->queued && !m_starting && !m_draining) {
      entry->waiting.push_back(std::move(done));
      return;
    }
  }
  done({});
}

void ModelRegistry::unload(std::string_view name, Loaded done) {
  {
    const std::scoped_lock lock(m_mutex);
    if (const EntryPointer entry = find_entry(name); entry != nullptr && !m_draining) {
      entry->waiting_for_unload.push_back(std::move(done));
      return add_task([this, entry] { unload_entry(entry); });
    }
  }
  done(error(StatusCode::kNotFound, fmt::format("the model '{}' is not in the configuration", name)));
}

void ModelRegistry::unload_entry(const EntryPointer& entry) {
  ServedModel model;
  {
    const std::scoped_lock lock(m_mutex);
    model = std::exchange(entry->view.model, {});
    entry->view.state = ModelState::kUnloaded;
    entry->view.loads_itself = false;
    entry->view.failure = {StatusCode::kInternal, ""};
    entry->view.memory = {};
  }
  if (model.is_loaded()) {
    log_info("model {} is unloaded on request", entry->view.spec.name);
    retire(std::move(model));
  }
  const std::scoped_lock lock(m_mutex);
  tell(entry->waiting_for_unload, {});
}

void ModelRegistry::load_entry(const EntryPointer& entry) {
  ModelSnapshot facts;
  auto loaded = load_model(entry, &facts);
  publish(entry, std::move(loaded), facts);
}

Result<ServedModel> ModelRegistry::load_model(const EntryPointer& entry, ModelSnapshot* facts) {
  {
    const std::scoped_lock lock(m_mutex);
    facts->spec = entry->view.spec;
    if (!entry->next_directory.empty()) facts->spec.directory = entry->next_directory;
  }
  const std::string& directory = facts->spec.directory;
  if (m_options.budget_bytes > 0) {
    ASSIGN_OR_RETURN(const ModelMemory estimate, m_sizer(directory, m_options.engine));
    {
      const std::scoped_lock lock(m_mutex);
      entry->never_fits = estimate.total() > m_options.budget_bytes;
    }
    RETURN_IF_ERROR(make_room(*entry, estimate.total()));
  }
  const auto start = Clock::now();
  ASSIGN_OR_RETURN(ServedModel model, load_or_refuse(m_loader, directory, m_options.engine));
  facts->load_ms = milliseconds_since(start);
  const auto warming = Clock::now();
  RETURN_IF_ERROR(model.warm_up());
  facts->warm_up_ms = milliseconds_since(warming);
  facts->memory = measure_model_memory(model, m_options.engine);
  if (model.engine != nullptr) {
    model.engine = std::make_shared<GuardedEngine>(std::move(model.engine), entry->breaker, m_options.slow_seconds);
  }
  log_info("model {} is ready after {:.0f} ms, {:.0f} ms of them to warm up ({}, {})", facts->spec.name,
           milliseconds_since(start), facts->warm_up_ms, format_bytes(facts->memory.total()), directory);
  return model;
}

Result<void> ModelRegistry::make_room(const Entry& entry, size_t bytes) {
  const size_t budget = m_options.budget_bytes;
  if (bytes > budget) return no_room(bytes, used_bytes(), budget, "and it would not fit alone");
  const auto end = Clock::now() + kRoomPatience;
  for (;;) {
    const size_t used = used_bytes();
    if (used + bytes <= budget) return {};
    bool starting = false;
    {
      const std::scoped_lock lock(m_mutex);
      starting = m_starting;
    }
    if (starting) return no_room(bytes, used, budget, "and it waits until it is asked for");
    if (evict_one(entry)) continue;
    if (Clock::now() >= end) return no_room(bytes, used, budget, "and all of them are in use");
    std::this_thread::sleep_for(kPollInterval);
  }
}

bool ModelRegistry::evict_one(const Entry& except) {
  ServedModel evicted;
  {
    const std::scoped_lock lock(m_mutex);
    const EntryPointer entry = idle_longest(except);
    if (entry == nullptr) return false;
    log_info("model {} makes room: it is idle and was used longest ago", entry->view.spec.name);
    evicted = std::exchange(entry->view.model, {});
    entry->view.state = ModelState::kUnloaded;
    entry->view.memory = {};
    ++entry->view.evictions;
  }
  evicted = {};  // ends its thread, so not under the lock
  return_freed_memory();
  return true;
}

size_t ModelRegistry::busy_bytes() const {
  const std::scoped_lock lock(m_mutex);
  size_t bytes = 0;
  for (const EntryPointer& entry : m_entries) {
    const bool is_busy = entry->view.model.is_loaded() && !is_idle(entry->view.model);
    if (is_busy) bytes += entry->view.memory.total();
  }
  return bytes;
}

ModelRegistry::EntryPointer ModelRegistry::idle_longest(const Entry& except) const {
  EntryPointer oldest;
  for (const EntryPointer& entry : m_entries) {
    const ServedModel& model = entry->view.model;
    if (entry.get() == &except || !model.is_loaded() || !is_idle(model)) continue;
    if (oldest == nullptr || entry->last_use < oldest->last_use) oldest = entry;
  }
  return oldest;
}

void ModelRegistry::note_failure(Entry& entry, Status failure) const {
  entry.retry_seconds = std::clamp(entry.retry_seconds * 2, m_options.first_retry_seconds, kLongestRetrySeconds);
  entry.retry_at =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(entry.retry_seconds));
  // What does not fit now may fit later; what cannot be read will not mend itself.
  if (!entry.view.model.is_loaded()) {
    const bool for_now = failure.code == StatusCode::kUnavailable;
    entry.view.state = for_now ? ModelState::kUnloaded : ModelState::kFailed;
  }
  log_error("model {} could not be loaded: {}", entry.view.spec.name, failure.message);
  entry.view.failure = std::move(failure);
}

void ModelRegistry::publish(const EntryPointer& entry, Result<ServedModel> loaded, const ModelSnapshot& facts) {
  Result<void> outcome;
  ServedModel old;
  {
    const std::scoped_lock lock(m_mutex);
    ModelSnapshot& view = entry->view;
    entry->queued = false;
    entry->next_directory.clear();
    if (!loaded) {
      outcome = std::unexpected(loaded.error());
      note_failure(*entry, std::move(loaded).error());
    } else if (m_draining || entry->gone) {
      outcome = error(StatusCode::kUnavailable,
                      m_draining ? "the server is shutting down" : "the model is no longer in the configuration");
      view.state = ModelState::kFailed;
      view.failure = outcome.error();
      old = std::move(*loaded);
    } else {
      old = std::exchange(view.model, std::move(*loaded));
      view.state = ModelState::kReady;
      view.loads_itself = true;
      view.failure = {StatusCode::kInternal, ""};
      view.spec = facts.spec;
      view.kind = view.model.kind();
      view.memory = facts.memory;
      view.load_ms = facts.load_ms;
      view.warm_up_ms = facts.warm_up_ms;
      ++view.loads;
      entry->retry_seconds = 0;
      entry->last_use = ++m_clock;
    }
    tell(entry->waiting, outcome);
  }
  if (old.is_loaded()) retire(std::move(old));
}

// Nobody new can get hold of the model: those who have it finish first, so that none of them is refused.
void ModelRegistry::retire(ServedModel model) {
  const auto end = Clock::now() + kRetirePatience;
  const std::stop_token stop = m_stop.get_token();
  while (!is_idle(model) && Clock::now() < end && !stop.stop_requested()) std::this_thread::sleep_for(kPollInterval);
  model.drain();
  model = {};
  return_freed_memory();
}

void ModelRegistry::reconfigure(const std::vector<ModelSpec>& specs) {
  const std::scoped_lock lock(m_mutex);
  std::vector<EntryPointer> next;
  for (const ModelSpec& spec : specs) {
    EntryPointer entry = find_entry(spec.name);
    if (entry == nullptr) {
      entry = make_entry(spec);
      if (m_options.policy == LoadPolicy::kAtStart) want(entry);
    } else if (entry->view.spec.directory != spec.directory) {
      // A model that is there serves on until the new one is ready.
      entry->next_directory = spec.directory;
      entry->never_fits = false;
      if (!entry->view.model.is_loaded()) entry->view.spec = spec;
      entry->retry_at = {};
      if (entry->view.model.is_loaded() || m_options.policy == LoadPolicy::kAtStart) want(entry);
    }
    next.push_back(std::move(entry));
  }
  for (const EntryPointer& entry : m_entries) {
    if (std::ranges::find(next, entry) != next.end()) continue;
    entry->gone = true;
    if (!entry->view.model.is_loaded()) continue;
    add_task([this, model = std::exchange(entry->view.model, {})]() mutable { retire(std::move(model)); });
  }
  m_entries = std::move(next);
}

}  // namespace vivace
