// The kernel table for AVX-512 (F, BW, DQ, VL). CMake compiles this file, and no other, with those instructions
// switched on.
#include "kernels/products_avx512_inl.h"

#include "kernels/table_inl.h"

namespace vivace {

constinit const KernelTable kernel_table_avx512 = make_kernel_table<ProductBf16, ProductInt8, ProductInt4, 4>("avx512");

}  // namespace vivace
