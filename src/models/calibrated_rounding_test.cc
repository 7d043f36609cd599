// Rounding for what a layer reads is closer there than rounding to the nearest, and as close where inputs are of one
// kind; what has to stay stays.
#include "models/calibrated_rounding.h"

#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>

#include "kernels/registry.h"
#include "models/encoder.h"

namespace vivace {
namespace {

constexpr int kInputs = 96;
constexpr int kOutputs = 40;
constexpr size_t kRows = 2000;
constexpr PanelLayout kLayout{DType::kI8, 16, 4};

using Rows = std::vector<std::vector<double>>;

// Inputs that are mixtures of few others, as those of trained layers are.
Rows mixed_rows(unsigned seed) {
  constexpr size_t kSources = 12;
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  Rows mixture(kSources, std::vector<double>(kInputs));
  for (auto& weights : mixture) {
    for (double& weight : weights) weight = normal(random);
  }
  random.seed(seed);
  Rows rows(kRows, std::vector<double>(kInputs));
  for (auto& row : rows) {
    for (const auto& weights : mixture) {
      const double source = normal(random);
      for (size_t i = 0; i < kInputs; ++i) row[i] += source * weights[i];
    }
    for (double& value : row) value += 0.1 * normal(random);
  }
  return rows;
}

InputProducts products_of(const Rows& rows) {
  InputProducts products{.inputs = kInputs, .rows = rows.size(), .sums = AlignedBuffer<float>(kInputs * kInputs)};
  for (size_t i = 0; i < kInputs; ++i) {
    for (size_t j = 0; j < kInputs; ++j) {
      double sum = 0;
      for (const auto& row : rows) sum += row[i] * row[j];
      products.sums.data()[i * kInputs + j] = static_cast<float>(sum);
    }
  }
  return products;
}

InputProducts unrelated_products() {
  InputProducts products{.inputs = kInputs, .rows = kRows, .sums = AlignedBuffer<float>(kInputs * kInputs)};
  std::fill_n(products.sums.data(), products.sums.size(), 0.0F);
  for (size_t i = 0; i < kInputs; ++i) products.sums.data()[i * (kInputs + 1)] = 3;
  return products;
}

std::vector<float> weights() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.02F);
  std::vector<float> values(size_t{kInputs} * kOutputs);
  for (float& value : values) value = normal(random);
  return values;
}

PackedMatrix pack(const std::vector<float>& values, const std::vector<int32_t>& outliers = {}) {
  PackedMatrix matrix(kInputs, kOutputs, kLayout, outliers);
  matrix.pack_rows(values.data(), kOutputs, 0);
  return matrix;
}

// Of the outputs, where they are computed with the matrix: the sum of squares.
double error_of(const PackedMatrix& matrix, const std::vector<float>& exact, const Rows& rows) {
  double error = 0;
  std::vector<float> rounded(kInputs);
  for (int output = 0; output < kOutputs; ++output) {
    matrix.unpack_row(output, rounded.data());
    for (const auto& row : rows) {
      double off = 0;
      for (size_t i = 0; i < kInputs; ++i) {
        off += static_cast<double>(rounded[i] - exact[static_cast<size_t>(output) * kInputs + i]) * row[i];
      }
      error += off * off;
    }
  }
  return error;
}

class CalibratedRoundingTest : public testing::Test {
 protected:
  PackedMatrix calibrated(InputProducts products, const std::vector<float>& values,
                          const std::vector<int32_t>& outliers = {}, int threads = 2) {
    ThreadPool pool(threads);
    std::map<std::string, InputProducts> all;
    all.emplace("layer", std::move(products));
    CalibratedRounding calibration(std::move(all), pool);
    PackedMatrix matrix = pack(values, outliers);
    calibration.round("layer", values.data(), &matrix);
    PackedMatrix again = pack(values, outliers);
    calibration.round("layer", values.data(), &again);
    EXPECT_TRUE(same(matrix, again));
    return matrix;
  }
  static bool same(const PackedMatrix& a, const PackedMatrix& b) {
    const auto bytes = [](const auto& buffer) { return std::as_bytes(std::span(buffer.data(), buffer.size())); };
    return std::ranges::equal(bytes(a.parts().data), bytes(b.parts().data)) &&
           std::ranges::equal(bytes(a.parts().scales), bytes(b.parts().scales)) &&
           std::ranges::equal(bytes(a.parts().offsets), bytes(b.parts().offsets)) &&
           std::ranges::equal(bytes(a.parts().outlier_weights), bytes(b.parts().outlier_weights));
  }
};

TEST_F(CalibratedRoundingTest, ComesCloserForSuchInputs) {
  const std::vector<float> values = weights();
  const PackedMatrix matrix = calibrated(products_of(mixed_rows(2)), values);
  const Rows others = mixed_rows(3);  // of the same kind, but none of those
  EXPECT_LT(error_of(matrix, values, others), 0.5 * error_of(pack(values), values, others));
}

TEST_F(CalibratedRoundingTest, IsRoundingToTheNearestForUnrelatedInputs) {
  const std::vector<float> values = weights();
  EXPECT_TRUE(same(calibrated(unrelated_products(), values), pack(values)));
}

TEST_F(CalibratedRoundingTest, LeavesOutliersAndScalesAsTheyAre) {
  std::vector<float> values = weights();
  for (size_t i = 5; i < values.size(); i += kInputs) values[i] *= 50;
  const std::vector<int32_t> outliers = {5, 95};
  const PackedMatrix matrix = calibrated(products_of(mixed_rows(2)), values, outliers);
  const PackedMatrix nearest = pack(values, outliers);
  EXPECT_FALSE(same(matrix, nearest));
  std::vector<float> row(kInputs);
  std::vector<float> integers(kInputs);
  for (int output = 0; output < kOutputs; ++output) {
    EXPECT_EQ(matrix.scales()[output], nearest.scales()[output]);
    matrix.unpack_row(output, row.data());
    double sum = 0;
    for (int i = 0; i < kInputs; ++i) {
      if (i == 5 || i == 95) {
        EXPECT_EQ(row[static_cast<size_t>(i)], values[static_cast<size_t>(output * kInputs + i)]);
      } else {
        sum += std::round(row[static_cast<size_t>(i)] / matrix.scales()[output]);
      }
    }
    EXPECT_EQ(matrix.offsets()[output], -static_cast<int32_t>(sum));
  }
}

TEST_F(CalibratedRoundingTest, AnOutputOfZerosStaysOne) {
  std::vector<float> values = weights();
  std::fill_n(values.begin() + 3 * kInputs, kInputs, 0.0F);
  std::vector<float> row(kInputs);
  calibrated(products_of(mixed_rows(2)), values).unpack_row(3, row.data());
  EXPECT_THAT(row, testing::Each(0.0F));
}

TEST_F(CalibratedRoundingTest, ThreadsDoNotChangeANumber) {
  const std::vector<float> values = weights();
  const PackedMatrix alone = calibrated(products_of(mixed_rows(2)), values, {}, 1);
  EXPECT_TRUE(same(calibrated(products_of(mixed_rows(2)), values, {}, 3), alone));
}

TEST_F(CalibratedRoundingTest, ProductsThatSayNothingChangeNothing) {
  const std::vector<float> values = weights();
  for (const float nonsense : {0.0F, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    InputProducts products = unrelated_products();
    std::fill_n(products.sums.data(), products.sums.size(), nonsense);
    EXPECT_TRUE(same(calibrated(std::move(products), values), pack(values))) << nonsense;
  }
  ThreadPool pool(1);
  CalibratedRounding calibration({}, pool);
  PackedMatrix matrix = pack(values);
  calibration.round("unknown", values.data(), &matrix);
  EXPECT_TRUE(same(matrix, pack(values)));
}

// What layers are called when they are recorded is what they are called when they are rounded.
TEST(CalibratedRoundingOfEncoders, EveryLayerThatReadsIsRounded) {
  struct Known {
    std::string name;
    int layers;  // linear ones: queries, keys and values together, their output, and those of the feed-forward part;
                 // DeBERTa's convolution
  };
  for (const auto& [name, expected] :
       {Known{"deberta-v3", 8}, Known{"deberta-own-keys", 9}, Known{"distilbert", 8}, Known{"modernbert", 20},
        Known{"mpnet", 8}, Known{"roberta", 8}, Known{"t5-encoder", 12}, Known{"t5-gated", 10}}) {
    const auto directory = ModelDirectory::open("tests/golden/" + name);
    ASSERT_TRUE(directory) << directory.error().message;
    PackedBatch batch;
    batch.append({3, 4, 5, 6, 7}, {});
    batch.append({8, 9}, {});
    for (const KernelTableEntry& entry : kernel_tables()) {
      if (!entry.supported()) continue;
      const KernelTable& kernels = *entry.table;
      ThreadPool pool(2);
      auto products = record_inputs(*directory, kernels, batch, pool);
      ASSERT_TRUE(products) << products.error().message;
      const auto layers = static_cast<int>(products->size());
      EXPECT_EQ(layers, expected) << name;
      for (const auto& [layer, found] : *products) EXPECT_EQ(found.rows, 7U) << name << ' ' << layer;
      CalibratedRounding calibration(std::move(*products), pool);
      LoadTarget target(kernels, Precision::kInt8);
      target.calibration = &calibration;
      ASSERT_TRUE(load_encoder(*directory, target));
      EXPECT_EQ(calibration.rounded_layers(), layers) << name;
    }
  }
}

}  // namespace
}  // namespace vivace
