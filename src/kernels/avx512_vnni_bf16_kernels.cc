// The kernel table for AVX-512 (F, BW, DQ, VL) with VNNI and BF16. CMake compiles this file, and no other, with those
// instructions switched on.
#include "kernels/products_avx512_bf16_inl.h"
#include "kernels/products_avx512_vnni_inl.h"

#include "kernels/table_inl.h"

namespace vivace {

constinit const KernelTable kernel_table_avx512_vnni_bf16 =
    make_kernel_table<ProductNativeBf16, ProductNativeInt8, ProductNativeInt4, 4>("avx512_vnni_bf16");

}  // namespace vivace
