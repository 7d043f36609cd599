// The completion models of this process as a CompletionService sees them. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/completion/model_choice.h"
#include "engine/generator.h"
#include "runtime/model_registry.h"

namespace vivace {

class CompletionModels {
 public:
  virtual ~CompletionModels() = default;
  // All that write text, whether loaded or not.
  virtual std::vector<CompletionModel> list() const = 0;
  virtual MemoryState memory() const = 0;
  // Of a model, whatever state it is in; kNotFound for an unknown name.
  virtual Result<std::shared_ptr<CircuitBreaker>> breaker(std::string_view name) const = 0;
  // Tells the last load of a model from all others, of other files under its name too; loads nothing.
  virtual std::string load_of(std::string_view name) const = 0;
  // kNotFound for an unknown name; kUnavailable while it is loaded or after that failed.
  virtual Result<std::shared_ptr<Generator>> find(std::string_view name) const = 0;
};

// Those of a registry, within its memory budget; one that is not loaded counts as large as its files say. The sizes of
// complexity.h's thresholds are given to as many models as there are: one takes everything, two share at
// kHighComplexity, of three and more the smallest two end at the thresholds.
class RegistryCompletionModels final : public CompletionModels {
 public:
  // role: where some models' names begin with it, the others are not chosen from; empty: all are.
  explicit RegistryCompletionModels(ModelRegistry& registry, std::string role = "")
      : m_registry(registry), m_role(std::move(role)) {}
  std::vector<CompletionModel> list() const override;
  MemoryState memory() const override;
  Result<std::shared_ptr<CircuitBreaker>> breaker(std::string_view name) const override {
    return m_registry.breaker(name);
  }
  std::string load_of(std::string_view name) const override;
  Result<std::shared_ptr<Generator>> find(std::string_view name) const override;

 private:
  uint64_t bytes_of(const ModelSnapshot& model) const;

  ModelRegistry& m_registry;
  const std::string m_role;
  mutable std::mutex m_mutex;                           // guards what follows
  mutable std::map<std::string, uint64_t> m_estimates;  // by directory; each is read once
};

// Gives models in the order of their size the complexities that they are for.
void share_complexities(std::vector<CompletionModel>* models);

}  // namespace vivace
