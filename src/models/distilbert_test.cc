#include "models/distilbert.h"

#include "models/golden_testing.h"

namespace vivace {
namespace {

INSTANTIATE_TEST_SUITE_P(DistilBert, EncoderGoldenTest, golden_cases({"distilbert", "distilbert-relu"}),
                         golden_case_name);

}  // namespace
}  // namespace vivace
