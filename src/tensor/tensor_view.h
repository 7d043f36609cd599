// Views of elements that someone else owns: TensorView knows its dtype at run time, MatrixView<T> at compile time.
#pragma once

#include <cstddef>

#include "base/check.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace vivace {

// Dense, row-major, read-only. The data may be unaligned (safetensors does not align), so read it by memcpy.
struct TensorView {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  size_t bytes() const { return static_cast<size_t>(shape.elements()) * dtype_size(dtype); }
};

// A matrix of rows × columns, `stride` elements from one row to the next.
template <typename T>
struct MatrixView {
  T* data = nullptr;
  int rows = 0;
  int columns = 0;
  ptrdiff_t stride = 0;

  T* row(int r) const { return data + r * stride; }
  MatrixView slice_rows(int begin, int end) const {
    CHECK(0 <= begin && begin <= end && end <= rows);
    return {row(begin), end - begin, columns, stride};
  }
  MatrixView slice_columns(int begin, int end) const {
    CHECK(0 <= begin && begin <= end && end <= columns);
    return {data + begin, rows, end - begin, stride};
  }
  operator MatrixView<const T>() const { return {data, rows, columns, stride}; }
};

}  // namespace vivace
