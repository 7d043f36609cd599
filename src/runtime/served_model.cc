#include "runtime/served_model.h"

#include <utility>

#include "formats/model_directory.h"
#include "models/encoder_decoder.h"

namespace vivace {

std::string_view model_kind_name(ModelKind kind) {
  return kind == ModelKind::kEncoder ? "encoder" : "generator";
}

Result<void> ServedModel::warm_up() const {
  if (engine != nullptr) return engine->warm_up();
  return generator->warm_up();
}

void ServedModel::drain() const {
  if (engine != nullptr) engine->drain();
  if (generator != nullptr) generator->drain();
}

Result<ModelKind> model_kind_of(const std::string& directory) {
  ASSIGN_OR_RETURN(const ModelDirectory model, ModelDirectory::open(directory));
  return writes_text(model) ? ModelKind::kGenerator : ModelKind::kEncoder;
}

Result<ServedModel> load_served_model(const std::string& directory, const EngineOptions& options) {
  ASSIGN_OR_RETURN(const ModelKind kind, model_kind_of(directory));
  if (kind == ModelKind::kGenerator) return Generator::load(directory, options);
  return Engine::load(directory, options);
}

}  // namespace vivace
