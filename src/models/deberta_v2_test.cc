#include "models/deberta_v2.h"

#include "models/golden_testing.h"

namespace vivace {
namespace {

INSTANTIATE_TEST_SUITE_P(DebertaV2, EncoderGoldenTest,
                         golden_cases({"deberta-v3", "deberta-v2", "deberta-own-keys", "deberta-c2p", "deberta-p2c",
                                       "deberta-absolute"}),
                         golden_case_name);

}  // namespace
}  // namespace vivace
