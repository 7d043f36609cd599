#include "models/modernbert.h"

#include "models/golden_testing.h"

namespace vivace {
namespace {

INSTANTIATE_TEST_SUITE_P(Modernbert, EncoderGoldenTest, golden_cases({"modernbert", "modernbert-biases"}),
                         golden_case_name);

}  // namespace
}  // namespace vivace
