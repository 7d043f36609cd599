#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "formats/weights.h"

namespace vivace {
namespace {

constexpr uint32_t kF32Exponent = 0x7F800000;

// An element that is infinite or not a number has all exponent bits set. The loops below gather that instead of
// leaving early, which keeps them free of branches and within the memory's speed.
bool convert_f32(const std::byte* data, size_t elements, float* out) {
  // Copied and checked piece by piece, while a piece is in the first-level cache.
  constexpr size_t kPiece = 2048;
  bool finite = true;
  for (size_t begin = 0; begin < elements; begin += kPiece) {
    const size_t count = std::min(kPiece, elements - begin);
    std::memcpy(out + begin, data + begin * sizeof(float), count * sizeof(float));
    for (size_t i = begin; i < begin + count; ++i) {
      finite &= (std::bit_cast<uint32_t>(out[i]) & kF32Exponent) != kF32Exponent;
    }
  }
  return finite;
}

bool convert_bf16(const std::byte* data, size_t elements, float* out) {
  bool finite = true;
  for (size_t i = 0; i < elements; ++i) {
    uint16_t half = 0;
    std::memcpy(&half, data + i * sizeof half, sizeof half);
    const uint32_t bits = static_cast<uint32_t>(half) << 16;  // a bfloat16 is the upper half of a float
    finite &= (bits & kF32Exponent) != kF32Exponent;
    out[i] = std::bit_cast<float>(bits);
  }
  return finite;
}

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
float half_to_float(uint16_t half) {
  constexpr uint32_t kHalfExponent = 0x1F << 10;
  constexpr uint32_t kRebias = (127 - 15) << 23;
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half & kHalfExponent;
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7FFF) << 13;
  // A subnormal is fraction × 2^-24. Put under the exponent of 2^-14 and freed of that 2^-14 again, it comes out exact
  // and without a subnormal float on the way, so that a thread that flushes those to zero gets the same value.
  const float lowest_normal = std::bit_cast<float>(uint32_t{113} << 23);
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude + (uint32_t{113} << 23)) - lowest_normal);
  const uint32_t normal = magnitude + kRebias;
  const uint32_t special = magnitude | kF32Exponent;
  const uint32_t bits = exponent == 0 ? subnormal : exponent == kHalfExponent ? special : normal;
  return std::bit_cast<float>(sign | bits);
}

bool convert_f16(const std::byte* data, size_t elements, float* out) {
  bool finite = true;
  for (size_t i = 0; i < elements; ++i) {
    uint16_t half = 0;
    std::memcpy(&half, data + i * sizeof half, sizeof half);
    out[i] = half_to_float(half);
    finite &= (std::bit_cast<uint32_t>(out[i]) & kF32Exponent) != kF32Exponent;
  }
  return finite;
}

}  // namespace

bool convert_to_f32(const TensorView& tensor, float* out) {
  const auto elements = static_cast<size_t>(tensor.shape.elements());
  switch (tensor.dtype) {
    case DType::kF32: return convert_f32(tensor.data, elements, out);
    case DType::kF16: return convert_f16(tensor.data, elements, out);
    case DType::kBF16: return convert_bf16(tensor.data, elements, out);
    case DType::kI8:
    case DType::kU8:
    case DType::kI32:
    case DType::kI64:
    case DType::kI4: break;
  }
  return false;
}

}  // namespace vivace
