// The kernel table for AVX-512 (F, BW, DQ, VL) with VNNI. CMake compiles this file, and no other, with those
// instructions switched on.
#include "kernels/products_avx512_inl.h"
#include "kernels/products_avx512_vnni_inl.h"

#include "kernels/table_inl.h"

namespace vivace {

constinit const KernelTable kernel_table_avx512_vnni =
    make_kernel_table<ProductBf16, ProductNativeInt8, ProductNativeInt4, 4>("avx512_vnni");

}  // namespace vivace
