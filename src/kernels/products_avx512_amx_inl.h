// Products of bf16 and int8 on AMX's tiles. They read the rows and panels of those without tiles.
#pragma once

#include "kernels/gemm_tiled_inl.h"
#include "kernels/products_avx512_bf16_inl.h"
#include "kernels/products_avx512_vnni_inl.h"
#include "kernels/tiles_avx512_amx_inl.h"

namespace vivace {
namespace {

// TDPBF16PS adds in an order of its own, which VDPBF16PS does not: a single row takes tiles too, so that it gets the
// bits that it has among others.
struct ProductAmxBf16 : ProductNativeBf16 {
  static constexpr bool kUsesTiles = true;
  // Attention in sequences of so few tokens, whose products are too small to fill tiles, takes this product.
  using FewTokens = ProductNativeBf16;
  static constexpr int kFewTokens = 32;

  template <int kSums, int kA, int kB>
  static void add_tiles() {
    Tiles::add_bf16<kSums, kA, kB>();
  }
  // Sums that tiles began with zeros.
  static Sum begun(Sum sum, const TileTarget&, int, int) { return sum; }
};

struct ProductAmxInt8 : ProductNativeInt8 {
  static constexpr bool kUsesTiles = true;
  // Whole numbers are the same whoever adds them.
  using FewRows = ProductNativeInt8;
  static constexpr int kFewRows = 4;

  template <int kSums, int kA, int kB>
  static void add_tiles() {
    Tiles::add_bytes<kSums, kA, kB>();
  }
  static Sum begun(Sum sum, const TileTarget& target, int row, int column) {
    return _mm512_add_epi32(sum, start(target, row, column));
  }
};

}  // namespace
}  // namespace vivace
