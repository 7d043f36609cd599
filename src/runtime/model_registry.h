// The models of this process, by name. They are loaded one after the other in the background and shared by everyone;
// all compute on one thread pool.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/generator.h"
#include "runtime/served_model.h"

namespace vivace {

struct ModelSpec {
  std::string name;
  std::string directory;
  bool operator==(const ModelSpec&) const = default;
};

enum class ModelState { kLoading, kReady, kFailed };
std::string_view model_state_name(ModelState state);  // "loading", "ready", "failed"

// One model at one moment.
struct ModelSnapshot {
  ModelSpec spec;
  ModelState state = ModelState::kLoading;
  Status failure;  // kFailed only
  ModelKind kind = ModelKind::kEncoder;
  ServedModel model;  // kReady only
};

// kNotFound, kCorruptFile or kUnsupported when the directory does not hold a model, found without reading its weights.
Result<void> check_model_directory(const ModelSpec& spec);

class ModelRegistry {
 public:
  using Loader = std::function<Result<ServedModel>(const std::string& directory, const EngineOptions&)>;

  // The first model of each kind is the default one. Without options.pool one is made of options.threads threads.
  ModelRegistry(std::vector<ModelSpec> specs, EngineOptions options, Loader loader = load_served_model);
  ~ModelRegistry();  // waits for the model that is being loaded
  ModelRegistry(const ModelRegistry&) = delete;
  ModelRegistry& operator=(const ModelRegistry&) = delete;

  // Loads and warms up every model on a thread of its own, then calls done there. Call once.
  void start(std::function<void()> done = [] {});

  // The engine or the generator of a model, the default one for an empty name. kNotFound for an unknown name;
  // kUnavailable while the model loads or after it failed; kUnsupported for a model of the other kind.
  Result<std::shared_ptr<Engine>> find(std::string_view name) const;
  Result<std::shared_ptr<Generator>> find_generator(std::string_view name) const;

  // Empty without any model of that kind.
  std::string_view default_name(ModelKind kind = ModelKind::kEncoder) const;
  std::vector<ModelSnapshot> snapshot() const;  // in the order of the specs
  bool all_ready() const;
  bool all_failed() const;

  // Refuses new requests to all models and waits until the accepted ones are answered. Models that are still loading
  // are not waited for, and stay unavailable.
  void drain();

 private:
  void load_all(const std::stop_token& stop);
  Result<ServedModel> load(const ModelSpec& spec) const;
  void publish(size_t index, Result<ServedModel> model);
  Result<ServedModel> find_model(std::string_view name, ModelKind kind) const;

  EngineOptions m_options;
  Loader m_loader;
  mutable std::mutex m_mutex;
  std::vector<ModelSnapshot> m_models;  // guarded by m_mutex; specs never change
  bool m_draining = false;              // guarded by m_mutex
  std::jthread m_thread;
};

}  // namespace vivace
