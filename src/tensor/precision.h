// Arithmetic of matrix products with weights. Everything else (embeddings, norms, sums of residuals, attention) is
// fp32.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vivace {

enum class Precision : uint8_t {
  kAuto,  // bf16 where the CPU multiplies it faster than fp32, else fp32
  kF32,
  kBf16,  // weights and activations rounded to bf16, sums in fp32
  kInt8,  // weights in 8 bits with a scale for each output, activations in 8 bits with a scale for each token
  kInt4,  // as int8, but weights of decoder layers in 4 bits with a factor for each 32 inputs
};

constexpr std::string_view precision_name(Precision precision) {
  switch (precision) {
    case Precision::kAuto: return "auto";
    case Precision::kF32: return "fp32";
    case Precision::kBf16: return "bf16";
    case Precision::kInt8: return "int8";
    case Precision::kInt4: return "int4";
  }
  return "?";
}

constexpr std::optional<Precision> find_precision(std::string_view name) {
  for (const Precision precision :
       {Precision::kAuto, Precision::kF32, Precision::kBf16, Precision::kInt8, Precision::kInt4}) {
    if (name == precision_name(precision)) return precision;
  }
  return std::nullopt;
}

}  // namespace vivace
