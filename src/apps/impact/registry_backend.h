// A backend of the scorer's chain that is a model of the registry: looked up anew for each call, so that it may be
// loaded, unloaded and exchanged meanwhile.
#pragma once

#include <string>
#include <vector>

#include "apps/impact/semantic_model.h"
#include "base/status.h"
#include "runtime/model_registry.h"

namespace vivace {

// What may compute the model, for a backend to answer.
enum class ComputedBy { kEither, kKernels, kOnnxFile };

struct RegistryBackendOptions {
  std::string name = "cpu";                                  // of the backend
  std::vector<std::string> models = {"impact", "embedder"};  // the first of these that is served
  ComputedBy computed_by = ComputedBy::kEither;
  SemanticGates gates;
  double seconds = 5;  // that the model may take for each 16 KiB of texts, within the request's own deadline
  size_t cache_bytes = 0;
  Status refusal;  // why the model must not be used; empty message: it may
};

// registry must outlive the backend.
SemanticBackend registry_backend(ModelRegistry& registry, RegistryBackendOptions options);

// Its own name of the first model that is served and found by one of these; empty: none is.
std::string first_served(const ModelRegistry& registry, const std::vector<std::string>& models);

}  // namespace vivace
