#include "models/outlier_inputs.h"

#include <random>

#include <gmock/gmock.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kHidden = 128;

std::vector<float> random_matrix(int rows, int columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.02F);
  std::vector<float> values(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (float& value : values) value = normal(random);
  return values;
}

class StrongChannelsTest : public testing::Test {
 protected:
  std::vector<int32_t> find() const {
    std::map<std::string, TensorView, std::less<>> tensors;
    const auto add = [&](const char* name, const std::vector<float>& values, std::vector<int64_t> shape) {
      tensors[name] = {reinterpret_cast<const std::byte*>(values.data()), DType::kF32, Shape(shape)};
    };
    add("writes.weight", m_writes, {kHidden, 256});
    add("writes.bias", m_bias, {kHidden});
    add("reads.weight", m_reads, {256, kHidden});
    return find_strong_channels(WeightFiles::listing(std::move(tensors)), kHidden);
  }
  std::vector<float> m_writes = random_matrix(kHidden, 256, 1);
  std::vector<float> m_reads = random_matrix(256, kHidden, 2);
  std::vector<float> m_bias = std::vector<float>(kHidden, 0.0F);
};

TEST_F(StrongChannelsTest, RandomWeightsHaveNone) {
  m_bias[4] = 100;                 // no matrix
  m_reads[5 * kHidden + 9] = 100;  // an output of another size
  EXPECT_THAT(find(), IsEmpty());
}

TEST_F(StrongChannelsTest, TheStrongestComeFirst) {
  m_writes[77 * 256 + 3] = -2;
  m_writes[9 * 256 + 255] = 1;
  m_writes[100 * 256] = 3;
  EXPECT_THAT(find(), ElementsAre(100, 77, 9));
}

TEST_F(StrongChannelsTest, NumbersThatAreNoneFindNothing) {
  m_writes[77 * 256 + 3] = NAN;
  EXPECT_THAT(find(), IsEmpty());
  m_writes.assign(m_writes.size(), 0.0F);
  EXPECT_THAT(find(), IsEmpty());
}

constexpr int kOutputs = 512;

TEST(ChooseOutliersTest, RandomWeightsHaveNone) {
  EXPECT_THAT(choose_outliers({}, random_matrix(kOutputs, 1024, 3).data(), kOutputs, 1024), IsEmpty());
  const std::vector<float> zeros(kOutputs * 1024);
  EXPECT_THAT(choose_outliers({}, zeros.data(), kOutputs, 1024), IsEmpty());
}

TEST(ChooseOutliersTest, TakesTheStrongChannelsAndTheColumnsThatMakeScalesCoarse) {
  auto weight = random_matrix(kOutputs, 1024, 3);
  for (size_t output = 0; output < kOutputs; ++output) {
    weight[output * 1024 + 700] *= 20;
    weight[output * 1024 + 30] *= 10;
  }
  EXPECT_THAT(choose_outliers({}, weight.data(), kOutputs, 1024), ElementsAre(30, 700));
  const std::vector<int32_t> strong = {900, 1};
  EXPECT_THAT(choose_outliers(strong, weight.data(), kOutputs, 1024), ElementsAre(1, 30, 700, 900));
}

TEST(ChooseOutliersTest, NarrowLayersHaveFewOrNone) {
  const std::vector<int32_t> strong = {3, 1, 2};
  EXPECT_THAT(choose_outliers(strong, random_matrix(8, 15, 4).data(), 8, 15), IsEmpty());
  EXPECT_THAT(choose_outliers(strong, random_matrix(8, 33, 4).data(), 8, 33), ElementsAre(1, 3));
}

}  // namespace
}  // namespace vivace
