#include "models/roberta.h"

#include "kernels/registry.h"
#include "models/golden_testing.h"

namespace vivace {
namespace {

INSTANTIATE_TEST_SUITE_P(Roberta, EncoderGoldenTest, golden_cases({"roberta", "xlm-roberta", "camembert"}),
                         golden_case_name);

TEST(RobertaTest, PositionsStartAfterThePadding) {
  const auto directory = ModelDirectory::open(golden_path("xlm-roberta"));
  ASSERT_TRUE(directory.has_value()) << directory.error().message;
  const auto encoder = load_encoder(*directory, *kernel_tables()[0].table);
  ASSERT_TRUE(encoder.has_value()) << encoder.error().message;
  EXPECT_EQ((*encoder)->info().max_tokens, 100 - 3 - 1);
  EXPECT_EQ((*encoder)->info().architecture, "xlm-roberta");
}

}  // namespace
}  // namespace vivace
