// C002_08, C002_09: models by complexity and memory.
#include "apps/completion/model_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::HasSubstr;

constexpr uint64_t kMega = 1'000'000;

MemoryState with_free(uint64_t megabytes) {
  return {.budget_bytes = 4000 * kMega, .used_bytes = 4000 * kMega - megabytes * kMega, .reserve_bytes = 512 * kMega};
}

std::string chosen(double complexity, uint64_t free_megabytes) {
  const auto choice = choose_model(complexity, default_completion_models(), with_free(free_megabytes));
  return choice ? choice->model : choice.error().message;
}

TEST(ModelChoice, C002_09_ByComplexity) {
  EXPECT_EQ(chosen(0, 4000), "codet5p-33m");
  EXPECT_EQ(chosen(0.2999, 4000), "codet5p-33m");
  EXPECT_EQ(chosen(0.3, 4000), "codet5p-770m");
  EXPECT_EQ(chosen(0.7, 4000), "stablecode-3b");
  EXPECT_EQ(chosen(1, 4000), "stablecode-3b");
}

TEST(ModelChoice, C002_08_MemoryDecidesToo) {
  EXPECT_EQ(chosen(1, 3512), "stablecode-3b");
  EXPECT_EQ(chosen(1, 3511), "codet5p-770m");
  EXPECT_EQ(chosen(1, 1282), "codet5p-770m");
  EXPECT_EQ(chosen(1, 1281), "codet5p-33m");
  EXPECT_EQ(chosen(0, 545), "codet5p-33m");
  EXPECT_THAT(chosen(0, 544), HasSubstr("takes 33 MB, 32 MB are free"));
  EXPECT_THAT(chosen(1, 0), HasSubstr("no completion model fits"));
  EXPECT_EQ(choose_model(0, default_completion_models(), with_free(0)).error().code, StatusCode::kUnavailable);
}

TEST(ModelChoice, C002_08_NothingOverflows) {
  EXPECT_FALSE(fits_memory(UINT64_MAX, {.budget_bytes = UINT64_MAX, .used_bytes = 1, .reserve_bytes = 0}));
  EXPECT_TRUE(fits_memory(UINT64_MAX, {.budget_bytes = UINT64_MAX, .used_bytes = 0, .reserve_bytes = 0}));
  EXPECT_FALSE(fits_memory(0, {.budget_bytes = 5, .used_bytes = 10, .reserve_bytes = 1}));
  EXPECT_FALSE(fits_memory(1, {.budget_bytes = 10, .used_bytes = 5, .reserve_bytes = UINT64_MAX}));
}

TEST(ModelChoice, C002_09_ALoadedModelTakesNothing) {
  auto models = default_completion_models();
  models[1].is_loaded = true;
  const auto choice = choose_model(0.9, models, with_free(0));
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->model, "codet5p-770m");
  EXPECT_THAT(choice->reason, HasSubstr("complexity 0.90 asks for 'stablecode-3b', which takes 3000 MB"));
  EXPECT_THAT(choice->reason, HasSubstr("is loaded"));
}

TEST(ModelChoice, C002_11_OneModelServesAll) {
  const std::vector<CompletionModel> models = {{.name = "only", .bytes = 1, .max_complexity = 0.5, .is_loaded = false}};
  EXPECT_EQ(choose_model(0.9, models, with_free(1000))->model, "only");
  EXPECT_FALSE(choose_model(0.9, {}, with_free(1000)));
  EXPECT_FALSE(choose_model(-1, models, with_free(1000)));
}

}  // namespace
}  // namespace vivace
