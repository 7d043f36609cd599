#include "apps/completion/completion_models.h"

#include <algorithm>
#include <functional>

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
    const bool is_loaded = model.model.is_loaded();
    models.push_back(
        {.name = model.spec.name, .bytes = is_loaded ? model.model.info().packed_bytes : 0, .is_loaded = is_loaded});
  }
  const auto has_role = [this](const CompletionModel& model) { return model.name.starts_with(m_role); };
  if (std::ranges::any_of(models, has_role)) std::erase_if(models, std::not_fn(has_role));
  share_complexities(&models);
  return models;
}

MemoryState RegistryCompletionModels::memory() const {
  MemoryState memory{.budget_bytes = UINT64_MAX / 2};
  for (const ModelSnapshot& model : m_registry.snapshot()) {
    if (model.model.is_loaded()) memory.used_bytes += model.model.info().packed_bytes;
  }
  return memory;
}

Result<std::shared_ptr<Generator>> RegistryCompletionModels::find(std::string_view name) const {
  return m_registry.find_generator(name);
}

}  // namespace vivace
