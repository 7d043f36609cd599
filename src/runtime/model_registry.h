// The models of this process, by name: loaded in the background one after the other, at start or when first asked for,
// shared by everyone, computing on one thread pool, and together within one memory budget.
//
// A model that does not fit beside the others takes the place of the idle one that was used longest ago; one in use is
// never dropped. What is handed out keeps its model loaded for as long as it is held.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/generator.h"
#include "runtime/circuit_breaker.h"
#include "runtime/model_memory.h"
#include "runtime/served_model.h"

namespace vivace {

struct ModelSpec {
  std::string name;
  std::string directory;
  // Gates of impact scoring that were found with this model; the registry itself does not look at them.
  std::optional<double> impact_gate_without_keywords{};
  std::optional<double> impact_gate_with_keywords{};
  std::string role{};  // a name beside its own by which it is found, as the systems look for theirs; empty: none
  bool is_called(std::string_view called) const { return name == called || (!role.empty() && role == called); }
  bool operator==(const ModelSpec&) const = default;
};

enum class ModelState { kLoading, kReady, kFailed, kUnloaded };
std::string_view model_state_name(ModelState state);  // "loading", "ready", "failed", "unloaded"

enum class LoadPolicy { kAtStart, kWhenAsked };

struct RegistryOptions {
  EngineOptions engine;  // without a pool one is made of engine.threads threads
  LoadPolicy policy = LoadPolicy::kAtStart;
  size_t budget_bytes = 0;  // for all models together; 0: no limit
  CircuitBreakerOptions breaker;
  double slow_seconds = 5;         // see GuardedEngine
  double first_retry_seconds = 5;  // after a load that failed, before asking for the model tries again; doubles to 60 s
};

// One model at one moment.
struct ModelSnapshot {
  ModelSpec spec;
  ModelState state = ModelState::kUnloaded;
  Status failure;  // kFailed: why; kUnloaded: why it could not be loaded when it was last asked for, or kInternal ""
  ModelKind kind = ModelKind::kEncoder;
  ServedModel model;         // kReady only
  bool loads_itself = true;  // when asked for; false once it was unloaded on request
  ModelMemory memory;        // kReady only
  double load_ms = 0;        // of the last load, with
  double warm_up_ms = 0;     // the first pass
  uint64_t uses = 0;         // times that it was handed out
  uint64_t misses = 0;       // times that it was asked for and not there
  uint64_t loads = 0;
  uint64_t evictions = 0;
  BreakerSnapshot breaker;
};

// kNotFound, kCorruptFile or kUnsupported when the directory does not hold a model, found without reading its weights.
Result<void> check_model_directory(const ModelSpec& spec);

class ModelRegistry {
 public:
  using Loader = std::function<Result<ServedModel>(const std::string& directory, const EngineOptions&)>;
  using Sizer = std::function<Result<ModelMemory>(const std::string& directory, const EngineOptions&)>;
  using Loaded = std::function<void(Result<void>)>;

  // The first model of each kind is the default one.
  ModelRegistry(std::vector<ModelSpec> specs, RegistryOptions options, Loader loader = load_served_model,
                Sizer sizer = estimate_model_memory);
  ModelRegistry(std::vector<ModelSpec> specs, EngineOptions options, Loader loader = load_served_model);
  ~ModelRegistry();  // waits for the model that is being loaded
  ModelRegistry(const ModelRegistry&) = delete;
  ModelRegistry& operator=(const ModelRegistry&) = delete;

  // Loads and warms up every model, or none with kWhenAsked, on a thread of its own, then calls done there. Call once.
  void start(std::function<void()> done = [] {});

  // The engine or the generator of a model, the default one for an empty name. kNotFound for an unknown name;
  // kUnsupported for a model of the other kind; kUnavailable while the model is not loaded. Asking for a model that is
  // not loaded begins to load it. Never waits.
  Result<std::shared_ptr<Engine>> find(std::string_view name);
  Result<std::shared_ptr<Generator>> find_generator(std::string_view name);
  // Of a model, whatever state it is in; kNotFound for an unknown name. An engine tells it how its calls end by itself,
  // for a generator that is up to who asks it.
  Result<std::shared_ptr<CircuitBreaker>> breaker(std::string_view name) const;

  // Calls done when the model is ready or could not be loaded: at once on the caller's thread when that is known
  // already, else on another thread, where it must neither block nor call the registry. Loads also what was unloaded or
  // failed before.
  void load(std::string_view name, Loaded done);
  // Lets the requests that the model has end, then frees it; it stays away until load(). done as above.
  void unload(std::string_view name, Loaded done);
  // done as above, once no load of that model is under way or waits, or at once while the first loads of start() run;
  // begins none.
  void when_settled(std::string_view name, ModelKind kind, Loaded done);
  bool is_loaded(std::string_view name) const;

  // Serves these from now on. Models whose directory stays the same are not touched; one with another directory is
  // served from the old one until the new one is ready; models that are gone finish their requests.
  void reconfigure(const std::vector<ModelSpec>& specs);

  // Empty without any model of that kind.
  std::string default_name(ModelKind kind = ModelKind::kEncoder) const;
  std::vector<ModelSnapshot> snapshot() const;  // in the order of the specs
  // Of the model that is called so; nullopt: there is none.
  std::optional<ModelSnapshot> snapshot(std::string_view name) const;
  // Every model is ready, or waits to be asked for.
  bool all_ready() const;
  bool all_failed() const;
  size_t budget_bytes() const { return m_options.budget_bytes; }
  const EngineOptions& engine_options() const { return m_options.engine; }
  size_t used_bytes() const;  // of the budget
  size_t busy_bytes() const;  // of them those of models in use, which cannot make room

  // Refuses new requests to all models and waits until the accepted ones are answered. Models that are still loading
  // are not waited for, and stay unavailable.
  void drain();

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    ModelSnapshot view;
    std::shared_ptr<CircuitBreaker> breaker;
    std::string next_directory;   // to be loaded in place of the model that is there; empty: none
    bool queued = false;          // a task to load it waits or runs
    bool gone = false;            // reconfigured away
    bool never_fits = false;      // what it takes is more than the whole budget
    std::vector<Loaded> waiting;  // for that task
    std::vector<Loaded> waiting_for_unload;
    uint64_t last_use = 0;
    double retry_seconds = 0;
    Clock::time_point retry_at;
  };
  using EntryPointer = std::shared_ptr<Entry>;
  using Task = std::function<void()>;

  EntryPointer make_entry(ModelSpec spec) const;
  // With m_mutex held.
  static ModelSnapshot view_of(const Entry& entry);
  EntryPointer find_entry(std::string_view name, ModelKind kind) const;
  EntryPointer find_entry(std::string_view name) const;
  Status not_there(const EntryPointer& entry);
  void want(const EntryPointer& entry);
  void add_task(Task task);
  static void tell(std::vector<Loaded>& waiting, const Result<void>& outcome);
  void note_failure(Entry& entry, Status failure) const;
  EntryPointer idle_longest(const Entry& except) const;
  size_t used_bytes_locked() const;

  Result<ServedModel> use(std::string_view name, ModelKind kind);
  // Of the loading thread, without m_mutex.
  void work(const std::stop_token& stop);
  void finish_start();
  void load_entry(const EntryPointer& entry);
  void unload_entry(const EntryPointer& entry);
  Result<void> make_room(const Entry& entry, size_t bytes);
  bool evict_one(const Entry& except);
  Result<ServedModel> load_model(const EntryPointer& entry, ModelSnapshot* facts);
  void publish(const EntryPointer& entry, Result<ServedModel> loaded, const ModelSnapshot& facts);
  void retire(ServedModel model);

  RegistryOptions m_options;
  const Loader m_loader;
  const Sizer m_sizer;
  mutable std::mutex m_mutex;           // guards what follows, and the entries
  std::condition_variable_any m_wake;   // there are tasks
  std::vector<EntryPointer> m_entries;  // in the order of the specs
  std::deque<Task> m_tasks;             // for the loading thread, run without the lock
  uint64_t m_clock = 0;                 // rises with each use
  bool m_starting = true;               // the models of start() are not all tried yet: nothing is evicted
  std::function<void()> m_started;      // of start(), until it was called
  bool m_draining = false;
  std::stop_source m_stop;
  std::jthread m_thread;
};

}  // namespace vivace
