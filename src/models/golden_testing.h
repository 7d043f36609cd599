// What every encoder is tested for, on every kernel table: each layer equal to transformers' hidden states of a tiny
// checkpoint in tests/golden, and the same bits whatever stands beside a sequence and however many threads work.
//
//   INSTANTIATE_TEST_SUITE_P(Bert, EncoderGoldenTest, golden_cases({"tiny-bert"}), golden_case_name);
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "formats/safetensors.h"
#include "models/encoder.h"

namespace vivace {

struct GoldenCase {
  std::string directory;  // below tests/golden; its reference.safetensors has ids.N and hidden.N.L
  size_t table;           // of kernel_tables()
};

// The tensors of a reference.safetensors.
struct GoldenReference {
  MappedFile file;
  std::map<std::string, TensorView, std::less<>> tensors;

  template <typename T>
  std::vector<T> values(const std::string& name) const {
    const TensorView& view = tensors.at(name);
    std::vector<T> values(static_cast<size_t>(view.shape.elements()));
    std::memcpy(values.data(), view.data, view.bytes());
    return values;
  }
  std::vector<int32_t> ids(int input) const { return values<int32_t>("ids." + std::to_string(input)); }
  std::vector<float> hidden(int input, int layer) const {
    return values<float>("hidden." + std::to_string(input) + "." + std::to_string(layer));
  }
  int inputs() const {
    int count = 0;
    while (tensors.contains("ids." + std::to_string(count))) ++count;
    return count;
  }
};

GoldenReference read_golden_reference(const std::string& path);

// Largest difference, relative to the largest value.
double golden_difference(const std::vector<float>& got, const std::vector<float>& expected);

// Of all values as one vector.
double golden_cosine(const std::vector<float>& got, const std::vector<float>& expected);

class EncoderGoldenTest : public testing::TestWithParam<GoldenCase> {};

// Every directory on every kernel table of this build.
testing::internal::ParamGenerator<GoldenCase> golden_cases(const std::vector<std::string>& directories);
std::string golden_case_name(const testing::TestParamInfo<GoldenCase>& info);

std::string golden_path(const std::string& directory);

}  // namespace vivace
