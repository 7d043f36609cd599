// A loaded model of either kind: an encoder behind an Engine, or an encoder-decoder behind a Generator.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/generator.h"

namespace vivace {

enum class ModelKind { kEncoder, kGenerator };
std::string_view model_kind_name(ModelKind kind);  // "encoder", "generator"

// At most one of the two is set. Holding a copy keeps the model loaded.
struct ServedModel {
  std::shared_ptr<Engine> engine;
  std::shared_ptr<Generator> generator;

  ServedModel() = default;
  template <std::derived_from<Engine> Loaded>
  ServedModel(std::unique_ptr<Loaded> loaded) : engine(std::move(loaded)) {}  // NOLINT(google-explicit-constructor)
  ServedModel(std::unique_ptr<Generator> loaded)                              // NOLINT(google-explicit-constructor)
      : generator(std::move(loaded)) {}

  bool is_loaded() const { return engine != nullptr || generator != nullptr; }
  // Of a loaded model only.
  ModelKind kind() const { return engine != nullptr ? ModelKind::kEncoder : ModelKind::kGenerator; }
  const ModelInfo& info() const { return engine != nullptr ? engine->info() : generator->info().model; }
  const EngineStats& stats() const { return engine != nullptr ? engine->stats() : generator->stats(); }
  Result<void> warm_up() const;
  // Refuses new requests and waits until the accepted ones are answered.
  void drain() const;
};

// What a directory holds, without looking at its weights. kNotFound, kCorruptFile or kUnsupported when it is no model.
Result<ModelKind> model_kind_of(const std::string& directory);

// Loads whichever kind the directory holds.
Result<ServedModel> load_served_model(const std::string& directory, const EngineOptions& options);

}  // namespace vivace
