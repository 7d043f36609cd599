// Matrix product in fp32: one tile template for all shapes.
//
// A tile keeps kTileRows × kTileVectors accumulators in registers: with AVX-512 6 × 4 = 24, plus 4 for a row of the
// panel and one for the broadcast element of a, out of 32. 24 independent chains hide the FMA's latency of 4 cycles on
// two ports three times over, and each step does 24 FMAs for 10 loads, so that the FMA ports are the limit and not the
// load ports. AVX2 has 16 registers and takes 6 × 2. k is summed from first to last whatever the tile, so a row's
// result does not depend on how many rows stand with it.
//
// The panel is read from L2, the rows of a from L1. Each step also fetches the lines that lie kFetchAhead bytes further
// on. Panels follow each other in memory, so that weights which do not fit the cache (any real model) have arrived when
// their panel begins, for one row of a as for hundreds. Measured on Zen 5, weights in memory: +13 % at 16 rows, +3 % at
// 128, nothing lost when they are in L2; 2 KiB and 16 KiB do worse.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/math_inl.h"

namespace vivace {
namespace {

constexpr int kTileRows = 6;
constexpr uintptr_t kFetchAhead = 8192;

// What a tile needs besides a and b.
struct TileTarget {
  float* c;
  ptrdiff_t ldc;
  const float* bias;      // of the tile's first column, or nullptr
  const float* residual;  // of the tile's first element, or nullptr
  ptrdiff_t ldr;
  int columns;  // to store, at most NR * kLanes
  Activation activation;
};

template <typename V, int MR, int NR>
inline __attribute__((always_inline)) void finish_tile(typename V::Reg (&acc)[MR][NR], const TileTarget& t,
                                                       Activation activation) {
  const bool full = t.columns == NR * V::kLanes;
#pragma GCC unroll 4
  for (int j = 0; j < NR; ++j) {
    const int first = j * V::kLanes;
    const int rest = t.columns - first;
    const int count = rest < V::kLanes ? rest : V::kLanes;
    if (count <= 0) return;
    const auto bias = t.bias == nullptr ? V::zero()
                      : full            ? V::load(t.bias + first)
                                        : V::load_first(t.bias + first, count);
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) {
      auto value = activate_vector<V>(activation, V::add(acc[i][j], bias));
      float* c = t.c + i * t.ldc + first;
      if (t.residual != nullptr) {
        const float* residual = t.residual + i * t.ldr + first;
        value = V::add(value, full ? V::load(residual) : V::load_first(residual, count));
      }
      if (full) {
        V::store(c, value);
      } else {
        V::store_first(c, value, count);
      }
    }
  }
}

// Adds up MR rows of a times NR vectors of a panel.
template <typename V, int MR, int NR>
inline __attribute__((always_inline)) void sum_tile(typename V::Reg (&acc)[MR][NR], const GemmF32Args& args,
                                                    const float* a, const float* b, ptrdiff_t ldb) {
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) acc[i][j] = V::zero();
  }
#pragma GCC unroll 2
  for (int k = 0; k < args.k; ++k) {
    typename V::Reg row[NR];
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) row[j] = V::load(b + j * V::kLanes);
    // As a number: at the end of the weights it is no valid pointer, which a prefetch does not mind.
    const uintptr_t ahead = reinterpret_cast<uintptr_t>(b) + kFetchAhead;
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) V::prefetch(ahead + static_cast<uintptr_t>(j * V::kLanes) * sizeof(float));
    b += ldb;
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) {
      const auto x = V::broadcast(a[i * args.lda + k]);
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) acc[i][j] = V::fma(x, row[j], acc[i][j]);
    }
  }
}

// The rarer activations.
template <typename V, int MR, int NR>
inline __attribute__((always_inline)) void finish_tile_activation(typename V::Reg (&acc)[MR][NR], const TileTarget& t) {
  switch (t.activation) {
    case Activation::kGeluTanh: return finish_tile<V, MR, NR>(acc, t, Activation::kGeluTanh);
    case Activation::kSilu: return finish_tile<V, MR, NR>(acc, t, Activation::kSilu);
    case Activation::kTanh: return finish_tile<V, MR, NR>(acc, t, Activation::kTanh);
    default: return finish_tile<V, MR, NR>(acc, t, Activation::kRelu);
  }
}

template <typename V, int MR, int NR>
__attribute__((noinline)) void gemm_tile(const GemmF32Args& args, const float* a, const float* b, ptrdiff_t ldb,
                                         const TileTarget& target) {
  typename V::Reg acc[MR][NR];
  sum_tile<V, MR, NR>(acc, args, a, b, ldb);
  // A constant activation in each call lets the compiler keep the accumulators in registers.
  if (target.activation == Activation::kNone) {
    finish_tile<V, MR, NR>(acc, target, Activation::kNone);
  } else if (target.activation == Activation::kGelu) {
    finish_tile<V, MR, NR>(acc, target, Activation::kGelu);
  } else {
    finish_tile_activation<V, MR, NR>(acc, target);
  }
}

using TileFunction = void (*)(const GemmF32Args&, const float*, const float*, ptrdiff_t, const TileTarget&);

// Tile functions by rows - 1.
template <typename V, int NR>
constexpr TileFunction kTiles[kTileRows] = {gemm_tile<V, 1, NR>, gemm_tile<V, 2, NR>, gemm_tile<V, 3, NR>,
                                            gemm_tile<V, 4, NR>, gemm_tile<V, 5, NR>, gemm_tile<V, 6, NR>};

template <typename V>
inline TileFunction tile_function(int vectors, int rows) {
  switch (vectors) {
    case 1: return kTiles<V, 1>[rows - 1];
    case 2: return kTiles<V, 2>[rows - 1];
    case 3: return kTiles<V, 3>[rows - 1];
    default: return kTiles<V, 4>[rows - 1];
  }
}

// One panel against all rows: rows are split evenly, since 16 = 6 + 5 + 5 keeps more chains busy than 6 + 6 + 4.
template <typename V>
inline void gemm_panel(const GemmF32Args& args, const float* b, ptrdiff_t ldb, TileTarget target) {
  const int tiles = (args.m + kTileRows - 1) / kTileRows;
  const int base = args.m / tiles;
  const int larger = args.m % tiles;
  const int vectors = (target.columns + V::kLanes - 1) / V::kLanes;
  const float* a = args.a;
  for (int tile = 0; tile < tiles; ++tile) {
    const int rows = base + (tile < larger ? 1 : 0);
    tile_function<V>(vectors, rows)(args, a, b, ldb, target);
    a += rows * args.lda;
    target.c += rows * target.ldc;
    if (target.residual != nullptr) target.residual += rows * target.ldr;
  }
}

// NR = vectors of a panel.
template <typename V, int NR>
inline void gemm_f32_all(const GemmF32Args& args) noexcept {
  constexpr int kWidth = NR * V::kLanes;
  // Rows of a that stay in L2 beside a panel; all blocks of about the same size, since a last one of a few rows would
  // read all weights for little.
  constexpr int kCachedFloats = 128 * 1024;
  const int fit = args.k <= 0 || args.k >= kCachedFloats ? 1 : kCachedFloats / args.k;
  const int blocks = args.m <= fit ? 1 : (args.m + fit - 1) / fit;
  const int block = ((args.m + blocks - 1) / blocks + kTileRows - 1) / kTileRows * kTileRows;
  for (int row = 0; row < args.m; row += block) {
    GemmF32Args part = args;
    part.a = args.a + row * args.lda;
    part.m = args.m - row < block ? args.m - row : block;
    for (int column = 0; column < args.n; column += kWidth) {
      const float* b = args.b + static_cast<ptrdiff_t>(column) * args.k;
      const bool last = column + kWidth >= args.n;
      TileTarget target{};
      target.c = args.c + row * args.ldc + column;
      target.ldc = args.ldc;
      target.bias = args.bias == nullptr ? nullptr : args.bias + column;
      target.residual = args.residual == nullptr ? nullptr : args.residual + row * args.ldr + column;
      target.ldr = args.ldr;
      target.columns = last ? args.n - column : kWidth;
      target.activation = args.activation;
      gemm_panel<V>(part, b, kWidth, target);
    }
  }
}

}  // namespace
}  // namespace vivace
