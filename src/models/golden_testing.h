// What every encoder is tested for, on every kernel table: each layer equal to transformers' hidden states of a tiny
// checkpoint in tests/golden, and the same bits whatever stands beside a sequence and however many threads work.
//
//   INSTANTIATE_TEST_SUITE_P(Bert, EncoderGoldenTest, golden_cases({"tiny-bert"}), golden_case_name);
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/encoder.h"

namespace vivace {

struct GoldenCase {
  std::string directory;  // below tests/golden; its reference.safetensors has ids.N and hidden.N.L
  size_t table;           // of kernel_tables()
};

class EncoderGoldenTest : public testing::TestWithParam<GoldenCase> {};

// Every directory on every kernel table of this build.
testing::internal::ParamGenerator<GoldenCase> golden_cases(const std::vector<std::string>& directories);
std::string golden_case_name(const testing::TestParamInfo<GoldenCase>& info);

std::string golden_path(const std::string& directory);

}  // namespace vivace
