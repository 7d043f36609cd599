// The kernel table for AVX2 and FMA. CMake compiles this file, and no other, with those instructions switched on.
#include "kernels/products_avx2_inl.h"

#include "kernels/table_inl.h"

namespace vivace {

constinit const KernelTable kernel_table_avx2 = make_kernel_table<ProductBf16, ProductInt8, ProductInt4, 2>("avx2");

}  // namespace vivace
