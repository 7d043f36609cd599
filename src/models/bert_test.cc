#include "models/bert.h"

#include "kernels/registry.h"
#include "models/golden_testing.h"

namespace vivace {
namespace {

INSTANTIATE_TEST_SUITE_P(Bert, EncoderGoldenTest, golden_cases({"tiny-bert"}), golden_case_name);

TEST(BertTest, HalfPrecisionAndShardedCheckpointsLoad) {
  const KernelTable& kernels = *kernel_tables()[0].table;
  const auto full = ModelDirectory::open(golden_path("tiny-bert"));
  ASSERT_TRUE(full.has_value()) << full.error().message;
  const auto expected = load_encoder(*full, kernels);
  ASSERT_TRUE(expected.has_value()) << expected.error().message;
  for (const char* name : {"tiny-bert-f16", "tiny-bert-bf16", "tiny-bert-sharded"}) {
    const auto directory = ModelDirectory::open(golden_path(name));
    ASSERT_TRUE(directory.has_value()) << directory.error().message;
    const auto encoder = load_encoder(*directory, kernels);
    ASSERT_TRUE(encoder.has_value()) << encoder.error().message;
    EXPECT_EQ((*encoder)->info().parameters, (*expected)->info().parameters);
  }
}

}  // namespace
}  // namespace vivace
