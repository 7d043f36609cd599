#include "apps/completion/model_choice.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "apps/completion/complexity.h"

namespace vivace {
namespace {

constexpr uint64_t kMegabyte = 1'000'000;

std::string megabytes(uint64_t bytes) {
  return fmt::format("{} MB", (bytes + kMegabyte - 1) / kMegabyte);
}

bool is_usable(const CompletionModel& model, const MemoryState& memory) {
  return model.is_loaded || fits_memory(model.bytes, memory);
}

uint64_t free_bytes(const MemoryState& memory) {
  const uint64_t taken = memory.used_bytes + std::min(memory.reserve_bytes, UINT64_MAX - memory.used_bytes);
  return memory.budget_bytes > taken ? memory.budget_bytes - taken : 0;
}

}  // namespace

bool fits_memory(uint64_t bytes, const MemoryState& memory) {
  const uint64_t unused = memory.budget_bytes > memory.used_bytes ? memory.budget_bytes - memory.used_bytes : 0;
  return unused >= memory.reserve_bytes && bytes <= unused - memory.reserve_bytes;
}

Result<ModelChoice> choose_model(double complexity, std::span<const CompletionModel> models,
                                 const MemoryState& memory) {
  if (models.empty()) return error(StatusCode::kInvalidArgument, "no completion model is configured");
  if (!(complexity >= 0 && complexity <= 1)) {
    return error(StatusCode::kInvalidArgument, fmt::format("complexity is {}, expected 0 to 1", complexity));
  }
  std::vector<CompletionModel> by_size(models.begin(), models.end());
  std::ranges::stable_sort(by_size, {}, &CompletionModel::bytes);
  auto wanted = std::ranges::find_if(by_size, [&](const auto& model) { return complexity < model.max_complexity; });
  if (wanted == by_size.end()) --wanted;  // harder than any is made for: the largest
  const auto last = std::make_reverse_iterator(wanted + 1);
  const auto taken = std::find_if(last, by_size.rend(), [&](const auto& model) { return is_usable(model, memory); });
  if (taken == by_size.rend()) {
    return error(
        StatusCode::kUnavailable,
        fmt::format("no completion model fits the memory: the smallest, '{}', takes {}, {} are free; raise the "
                    "memory budget or unload a model",
                    by_size.front().name, megabytes(by_size.front().bytes), megabytes(free_bytes(memory))));
  }
  ModelChoice choice{.model = taken->name, .complexity = complexity, .reason = {}};
  choice.reason = fmt::format("complexity {:.2f} asks for '{}'", complexity, wanted->name);
  if (taken->name != wanted->name) {
    choice.reason +=
        fmt::format(", which takes {} where {} are free; '{}' is the next smaller that {}", megabytes(wanted->bytes),
                    megabytes(free_bytes(memory)), taken->name, taken->is_loaded ? "is loaded" : "fits");
  } else if (taken->is_loaded) {
    choice.reason += ", which is loaded";
  }
  return choice;
}

std::vector<CompletionModel> default_completion_models() {
  return {{.name = "codet5p-33m", .bytes = 33 * kMegabyte, .max_complexity = kMediumComplexity},
          {.name = "codet5p-770m", .bytes = 770 * kMegabyte, .max_complexity = kHighComplexity},
          {.name = "stablecode-3b", .bytes = 3000 * kMegabyte, .max_complexity = 1}};
}

}  // namespace vivace
