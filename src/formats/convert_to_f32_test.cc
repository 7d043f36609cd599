#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "formats/weights.h"

namespace vivace {
namespace {

// Copied to an odd address, since safetensors promises no alignment.
template <typename T>
struct Unaligned {
  Unaligned(const std::vector<T>& values, DType dtype) : bytes(values.size() * sizeof(T) + 1) {
    if (!values.empty()) std::memcpy(bytes.data() + 1, values.data(), values.size() * sizeof(T));
    view = {bytes.data() + 1, dtype, Shape({static_cast<int64_t>(values.size())})};
  }
  std::vector<std::byte> bytes;
  TensorView view;
};

// The value of a binary16 by its definition.
double half_by_definition(uint16_t half) {
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  const int exponent = half >> 10 & 0x1F;
  const int fraction = half & 0x3FF;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(ConvertToF32, EveryHalfExactly) {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  const Unaligned<uint16_t> tensor(halves, DType::kF16);
  std::vector<float> out(halves.size());
  EXPECT_FALSE(convert_to_f32(tensor.view, out.data()));
  for (const uint16_t half : halves) {
    const float value = out[half];
    ASSERT_EQ(std::signbit(value), half >= 0x8000) << half;
    if ((half & 0x7FFF) == 0x7C00) {
      ASSERT_TRUE(std::isinf(value)) << half;
    } else if ((half & 0x7FFF) > 0x7C00) {
      ASSERT_TRUE(std::isnan(value)) << half;
    } else {
      ASSERT_EQ(static_cast<double>(value), half_by_definition(half)) << half;
    }
  }
}

TEST(ConvertToF32, EveryBFloat16Exactly) {
  for (uint32_t upper = 0; upper < 65536; ++upper) {
    const Unaligned<uint16_t> tensor({static_cast<uint16_t>(upper)}, DType::kBF16);
    float out = 0;
    const bool finite = convert_to_f32(tensor.view, &out);
    ASSERT_EQ(std::bit_cast<uint32_t>(out), upper << 16);
    ASSERT_EQ(finite, std::isfinite(out)) << upper;
  }
}

TEST(ConvertToF32, CopiesFloats) {
  std::vector<float> floats(5000);
  for (size_t i = 0; i < floats.size(); ++i) floats[i] = static_cast<float>(i) - 2500.5f;
  floats[17] = -0.0f;
  floats[18] = std::numeric_limits<float>::denorm_min();
  const Unaligned<float> tensor(floats, DType::kF32);
  std::vector<float> out(floats.size());
  EXPECT_TRUE(convert_to_f32(tensor.view, out.data()));
  EXPECT_EQ(std::memcmp(out.data(), floats.data(), floats.size() * sizeof(float)), 0);
}

TEST(ConvertToF32, NoticesWhatIsNotFiniteAnywhere) {
  const float kBad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                        -std::numeric_limits<float>::infinity()};
  for (const float bad : kBad) {
    for (const size_t where : {0, 1, 2047, 2048, 4999}) {
      std::vector<float> floats(5000, std::numeric_limits<float>::max());
      floats[where] = bad;
      const Unaligned<float> tensor(floats, DType::kF32);
      std::vector<float> out(floats.size());
      EXPECT_FALSE(convert_to_f32(tensor.view, out.data())) << bad << " at " << where;
    }
  }
}

TEST(ConvertToF32, RefusesIntegersAndTakesNothing) {
  const Unaligned<int32_t> integers({1, 2}, DType::kI32);
  float out[2] = {7, 7};
  EXPECT_FALSE(convert_to_f32(integers.view, out));
  EXPECT_EQ(out[0], 7);
  const Unaligned<float> empty({}, DType::kF32);
  EXPECT_TRUE(convert_to_f32(empty.view, out));
}

}  // namespace
}  // namespace vivace
