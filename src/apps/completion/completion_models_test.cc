#include "apps/completion/completion_models.h"

#include <gmock/gmock.h>

namespace vivace {
namespace {

using ::testing::HasSubstr;

const std::string kSmall = VIVACE_SOURCE_DIR "/tests/golden/t5-relu";
const std::string kLarge = VIVACE_SOURCE_DIR "/tests/golden/t5-silu";

EngineOptions small_batches() {
  EngineOptions options;
  options.pool = std::make_shared<ThreadPool>(1);
  options.max_batch_tokens = 64;
  return options;
}

uint64_t size_of(const std::string& directory) {
  return estimate_model_memory(directory, small_batches())->total();
}

// The larger one stands first, so that it is the place in the list that decides nothing.
std::unique_ptr<ModelRegistry> registry(uint64_t budget_bytes) {
  RegistryOptions options;
  options.engine = small_batches();
  options.policy = LoadPolicy::kWhenAsked;
  options.budget_bytes = budget_bytes;
  auto made = std::make_unique<ModelRegistry>(std::vector<ModelSpec>{{"large", kLarge}, {"small", kSmall}}, options);
  made->start();
  return made;
}

TEST(CompletionModels, C002_08_ModelsThatAreNotLoadedHaveTheSizeOfTheirFiles) {
  ASSERT_LT(size_of(kSmall), size_of(kLarge));
  const auto models = registry(0);
  const RegistryCompletionModels completion(*models);
  const auto list = completion.list();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "small");
  EXPECT_EQ(list[0].bytes, size_of(kSmall));
  EXPECT_EQ(list[1].bytes, size_of(kLarge));
  EXPECT_EQ(choose_model(0.9, list, completion.memory())->model, "large") << "without a budget there is room for all";
}

TEST(CompletionModels, C002_13_TheBreakerIsTheRegistrysWhichItsSnapshotShows) {
  const auto models = registry(0);
  const RegistryCompletionModels completion(*models);
  const auto breaker = completion.breaker("small");
  ASSERT_TRUE(breaker.has_value());
  const auto now = CircuitBreaker::Clock::now();
  for (size_t i = 0; i < CircuitBreakerOptions().smallest_window; ++i) (*breaker)->begin(now)->failed(now);
  EXPECT_EQ(models->snapshot()[0].breaker.state, BreakerState::kClosed);
  EXPECT_EQ(models->snapshot()[1].breaker.state, BreakerState::kOpen);
  EXPECT_EQ(completion.breaker("unknown").error().code, StatusCode::kNotFound);
}

TEST(CompletionModels, C002_08_TheBudgetOfTheRegistryDecides) {
  const auto models = registry(size_of(kLarge) - 1);
  const RegistryCompletionModels completion(*models);
  EXPECT_EQ(completion.memory().budget_bytes, size_of(kLarge) - 1);
  const auto choice = choose_model(0.9, completion.list(), completion.memory());
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->model, "small");
  EXPECT_THAT(choice->reason, HasSubstr("'small' is the next smaller that fits"));
  const auto tight = registry(size_of(kSmall) - 1);
  const RegistryCompletionModels none(*tight);
  EXPECT_EQ(choose_model(0.1, none.list(), none.memory()).error().code, StatusCode::kUnavailable);
}

}  // namespace
}  // namespace vivace
