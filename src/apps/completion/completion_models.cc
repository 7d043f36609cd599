#include "apps/completion/completion_models.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "apps/completion/complexity.h"

namespace vivace {

void share_complexities(std::vector<CompletionModel>* models) {
  std::ranges::stable_sort(*models, {}, &CompletionModel::bytes);
  for (CompletionModel& model : *models) model.max_complexity = 1;
  const size_t count = models->size();
  if (count >= 2) (*models)[count - 2].max_complexity = kHighComplexity;
  if (count >= 3) (*models)[count - 3].max_complexity = kMediumComplexity;
}

std::vector<CompletionModel> RegistryCompletionModels::list() const {
  std::vector<CompletionModel> models;
  for (const ModelSnapshot& model : m_registry.snapshot()) {
    if (model.kind != ModelKind::kGenerator || model.state == ModelState::kFailed) continue;
    models.push_back({.name = model.spec.name, .bytes = bytes_of(model), .is_loaded = model.model.is_loaded()});
  }
  const auto has_role = [this](const CompletionModel& model) { return model.name.starts_with(m_role); };
  if (std::ranges::any_of(models, has_role)) std::erase_if(models, std::not_fn(has_role));
  share_complexities(&models);
  return models;
}

// Idle models make room. The registry's budget leaves the program its own, and what it counts holds activations:
// nothing more is reserved.
MemoryState RegistryCompletionModels::memory() const {
  const uint64_t budget = m_registry.budget_bytes();
  return {.budget_bytes = budget > 0 ? budget : UINT64_MAX, .used_bytes = m_registry.busy_bytes(), .reserve_bytes = 0};
}

uint64_t RegistryCompletionModels::bytes_of(const ModelSnapshot& model) const {
  if (model.model.is_loaded()) return model.memory.total();
  const std::scoped_lock lock(m_mutex);
  const auto known = m_estimates.find(model.spec.directory);
  if (known != m_estimates.end()) return known->second;
  const auto estimate = estimate_model_memory(model.spec.directory, m_registry.engine_options());
  // Loading a directory that cannot be read will say why.
  return m_estimates[model.spec.directory] = estimate ? estimate->total() : 0;
}

std::string RegistryCompletionModels::load_of(std::string_view name) const {
  const auto model = m_registry.snapshot(name);
  if (!model) return {};
  // The time that it took tells loads apart where the count began anew.
  return fmt::format("{} {} {}", model->spec.directory, model->loads, model->load_ms);
}

Result<std::shared_ptr<Generator>> RegistryCompletionModels::find(std::string_view name) const {
  return m_registry.find_generator(name);
}

}  // namespace vivace
