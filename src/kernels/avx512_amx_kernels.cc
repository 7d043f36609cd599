// The kernel table for AVX-512 with VNNI, BF16 and AMX (TILE, INT8, BF16). CMake compiles this file, and no other, with
// those instructions switched on.
#include "kernels/products_avx512_amx_inl.h"

#include "kernels/table_inl.h"

namespace vivace {

constinit const KernelTable kernel_table_avx512_amx =
    make_kernel_table<ProductAmxBf16, ProductAmxInt8, ProductNativeInt4, 4>("avx512_amx");

}  // namespace vivace
