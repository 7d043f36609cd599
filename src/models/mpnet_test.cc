#include "models/mpnet.h"

#include "models/golden_testing.h"

namespace vivace {
namespace {

INSTANTIATE_TEST_SUITE_P(Mpnet, EncoderGoldenTest, golden_cases({"mpnet"}), golden_case_name);

}  // namespace
}  // namespace vivace
