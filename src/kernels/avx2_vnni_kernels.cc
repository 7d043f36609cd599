// The kernel table for AVX2 and FMA with AVX-VNNI. CMake compiles this file, and no other, with those instructions
// switched on.
#include "kernels/products_avx2_inl.h"
#include "kernels/products_avx2_vnni_inl.h"

#include "kernels/table_inl.h"

namespace vivace {

constinit const KernelTable kernel_table_avx2_vnni =
    make_kernel_table<ProductBf16, ProductNativeInt8, ProductNativeInt4, 2>("avx2_vnni");

}  // namespace vivace
