// Element types of tensors, in files and in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vivace {

// kI4: of panels only, two to a byte (tensor/four_bit_panel.h).
enum class DType : uint8_t { kF32, kF16, kBF16, kI8, kU8, kI32, kI64, kI4 };

constexpr size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kI4: return 0;  // no whole byte
    case DType::kI8:
    case DType::kU8: return 1;
    case DType::kF16:
    case DType::kBF16: return 2;
    case DType::kF32:
    case DType::kI32: return 4;
    case DType::kI64: return 8;
  }
  return 0;
}

constexpr std::string_view dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kF32: return "F32";
    case DType::kF16: return "F16";
    case DType::kBF16: return "BF16";
    case DType::kI8: return "I8";
    case DType::kU8: return "U8";
    case DType::kI32: return "I32";
    case DType::kI64: return "I64";
    case DType::kI4: return "I4";
  }
  return "?";
}

}  // namespace vivace
