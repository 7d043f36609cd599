// Matrix products: one tile template for all shapes and precisions.
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
//
// Of long sums a part is done for all rows before the next, so that a panel's part stays in L1 and the same part of the
// rows in L2; between parts the sums wait in memory, which changes no bit of them. Measured on Zen 3 (512 KiB L2), two
// threads, 1024 rows: +10 % at 3072 inputs, +20 % at 4096, nothing at 1536 and below.
#pragma once

#include "kernels/grouped_inl.h"
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
  const float* row_scales;  // of the tile's first row, and of its first column, where the product has scales
  const int32_t* row_zeros;
  const float* column_scales;
  const int32_t* column_offsets;
  const float* outlier_values;   // of the tile's first row
  const float* outlier_weights;  // of its first column
  ptrdiff_t ldo;
  int outlier_count;
  int columns;  // to store, at most NR * kLanes
  Activation activation;
};

// A product says how a tile multiplies: what a step of k is and how its sums become floats. This one is fp32.
template <typename V>
struct ProductF32 {
  using Vector = V;
  using Args = GemmF32Args;
  using A = float;
  using B = float;
  using Sum = typename V::Reg;
  using Operand = typename V::Reg;
  static constexpr int kDepth = 1;  // inputs of a step, side by side in a panel
  static constexpr int kParts = 1;  // multiplications that a step takes, each of kDepth / kParts inputs
  static constexpr bool kHasScales = false;

  static Sum start(const TileTarget&, int, int) { return V::zero(); }
  static Operand load(const B* b, int) { return V::load(b); }  // of one part
  static Operand broadcast(const A* a) { return V::broadcast(*a); }
  static Sum add_product(Operand x, Operand w, Sum sum) { return V::fma(x, w, sum); }
  static typename V::Reg to_float(Sum sum) { return sum; }

  static void store(A* out, typename V::Reg x, typename V::Reg) { V::store(out, x); }
};

// The sum of a tile's row and vector, scaled, and the bias added.
template <typename P>
inline __attribute__((always_inline)) typename P::Vector::Reg finish_sum(typename P::Sum sum, const TileTarget& t,
                                                                         int row, int first,
                                                                         typename P::Vector::Reg bias) {
  using V = typename P::Vector;
  const auto value = P::to_float(sum);
  if constexpr (P::kHasScales) {
    const auto scale = V::mul(V::broadcast(t.row_scales[row]), V::load(t.column_scales + first));
    return V::fma(value, scale, bias);
  } else {
    return V::add(value, bias);
  }
}

// The first `count` of a vector's values. Whole ones in their own way: masks are slow on some CPUs.
template <typename V>
inline __attribute__((always_inline)) void store_part(float* p, typename V::Reg x, int count) {
  if (count >= V::kLanes) {
    V::store(p, x);
  } else {
    V::store_first(p, x, count);
  }
}

template <typename V>
inline __attribute__((always_inline)) typename V::Reg load_part(const float* p, int count) {
  return count >= V::kLanes ? V::load(p) : V::load_first(p, count);
}

// The sums of a tile, scaled, and all that is added to them before the activation.
template <typename P, int MR, int NR>
inline __attribute__((always_inline)) void finish_sums(typename P::Sum (&acc)[MR][NR], const TileTarget& t,
                                                       typename P::Vector::Reg (&value)[MR][NR]) {
  using V = typename P::Vector;
#pragma GCC unroll 4
  for (int j = 0; j < NR; ++j) {
    const int first = j * V::kLanes;
    const auto bias = t.bias == nullptr ? V::zero() : load_part<V>(t.bias + first, t.columns - first);
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) value[i][j] = finish_sum<P>(acc[i][j], t, i, first, bias);
  }
  if constexpr (P::kHasScales) {
    for (int outlier = 0; outlier < t.outlier_count; ++outlier) {
      typename V::Reg row[NR];
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) row[j] = V::load(t.outlier_weights + outlier * t.ldo + j * V::kLanes);
#pragma GCC unroll 6
      for (int i = 0; i < MR; ++i) {
        const auto x = V::broadcast(t.outlier_values[i * t.outlier_count + outlier]);
#pragma GCC unroll 4
        for (int j = 0; j < NR; ++j) value[i][j] = V::fma(x, row[j], value[i][j]);
      }
    }
  }
}

template <typename P, int MR, int NR>
inline __attribute__((always_inline)) void finish_tile(typename P::Sum (&acc)[MR][NR], const TileTarget& t) {
  using V = typename P::Vector;
  typename V::Reg value[MR][NR];
  finish_sums<P, MR, NR>(acc, t, value);
#pragma GCC unroll 4
  for (int j = 0; j < NR; ++j) {
    const int first = j * V::kLanes;
    const int count = t.columns - first;  // 1 at least: the tile has no vector more than it needs
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) {
      auto sum = value[i][j];
      if (t.residual != nullptr) sum = V::add(sum, load_part<V>(t.residual + i * t.ldr + first, count));
      store_part<V>(t.c + i * t.ldc + first, sum, count);
    }
  }
}

// The same behind an activation, from sums [rows][width] with their bias. It is one loop for all tiles: beside an
// activation a store and a load more do not count, and code of their own in each tile would.
template <typename V, Activation kActivation>
__attribute__((noinline)) void activate_rows(const float* sums, int rows, int width, const TileTarget& t) {
  for (int i = 0; i < rows; ++i) {
    for (int first = 0; first < t.columns; first += V::kLanes) {
      const int count = t.columns - first < V::kLanes ? t.columns - first : V::kLanes;
      auto value = activate_vector<V>(kActivation, V::load(sums + i * width + first));
      if (t.residual != nullptr) value = V::add(value, load_part<V>(t.residual + i * t.ldr + first, count));
      store_part<V>(t.c + i * t.ldc + first, value, count);
    }
  }
}

template <typename V>
inline void finish_activation(const float* sums, int rows, int width, const TileTarget& t) {
  switch (t.activation) {
    case Activation::kNone: return activate_rows<V, Activation::kNone>(sums, rows, width, t);
    case Activation::kGelu: return activate_rows<V, Activation::kGelu>(sums, rows, width, t);
    case Activation::kGeluTanh: return activate_rows<V, Activation::kGeluTanh>(sums, rows, width, t);
    case Activation::kRelu: return activate_rows<V, Activation::kRelu>(sums, rows, width, t);
    case Activation::kSilu: return activate_rows<V, Activation::kSilu>(sums, rows, width, t);
    case Activation::kTanh: return activate_rows<V, Activation::kTanh>(sums, rows, width, t);
  }
}

template <typename P, int MR, int NR>
inline __attribute__((always_inline)) void store_sums(typename P::Sum (&acc)[MR][NR], const TileTarget& t,
                                                      float* sums) {
  using V = typename P::Vector;
  typename V::Reg value[MR][NR];
  finish_sums<P, MR, NR>(acc, t, value);
#pragma GCC unroll 4
  for (int j = 0; j < NR; ++j) {
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) V::store(sums + (i * NR + j) * V::kLanes, value[i][j]);
  }
}

// One tile's operands: its rows, and its columns of a panel.
template <typename P>
struct TileSource {
  const typename P::A* a;
  ptrdiff_t lda;
  const typename P::B* b;
  ptrdiff_t ldb;  // from one step to the next
  int steps;      // of grouped products: groups
  // Where sums are in parts: those of the tile, [MR][NR]. The first part does not read them, the last does not write.
  typename P::Sum* sums;
  bool is_first;
  bool is_last;
};

// Adds up MR rows of a times NR vectors of a panel.
template <typename P, int MR, int NR>
inline __attribute__((always_inline)) void sum_tile(typename P::Sum (&acc)[MR][NR], const TileSource<P>& s,
                                                    const TileTarget& target) {
  using V = typename P::Vector;
  constexpr int kVector = V::kLanes * P::kDepth;
  constexpr int kStepBytes = NR * kVector * static_cast<int>(sizeof(typename P::B));
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) acc[i][j] = s.is_first ? P::start(target, i, j * V::kLanes) : s.sums[i * NR + j];
  }
  const typename P::B* b = s.b;
  const typename P::A* a = s.a;
#pragma GCC unroll 2
  for (int step = 0; step < s.steps; ++step) {
#pragma GCC unroll 2
    for (int part = 0; part < P::kParts; ++part) {
      typename P::Operand row[NR];
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) row[j] = P::load(b + j * kVector, part);
#pragma GCC unroll 6
      for (int i = 0; i < MR; ++i) {
        const auto x = P::broadcast(a + i * s.lda + part * (P::kDepth / P::kParts));
#pragma GCC unroll 4
        for (int j = 0; j < NR; ++j) acc[i][j] = P::add_product(x, row[j], acc[i][j]);
      }
    }
    // As a number: at the end of the weights it is no valid pointer, which a prefetch does not mind.
    const uintptr_t ahead = reinterpret_cast<uintptr_t>(b) + kFetchAhead;
#pragma GCC unroll 4
    for (int line = 0; line < kStepBytes; line += 64) V::prefetch(ahead + static_cast<uintptr_t>(line));
    a += P::kDepth;
    b += s.ldb;
  }
}

// A product on tile registers (see gemm_tiled_inl.h) has P::kUsesTiles.
template <typename P>
constexpr bool kIsTiled = requires { P::kUsesTiles; };

// Takes over sums that are done.
template <typename P, int MR, int NR>
inline __attribute__((always_inline)) void load_sums(typename P::Sum (&acc)[MR][NR], const typename P::Sum* sums,
                                                     const TileTarget& target) {
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) acc[i][j] = P::begun(sums[i * NR + j], target, i, j * P::Vector::kLanes);
  }
}

template <typename P, int MR, int NR>
__attribute__((noinline)) void gemm_tile(const TileSource<P>& source, const TileTarget& target) {
  using V = typename P::Vector;
  typename P::Sum acc[MR][NR];
  if constexpr (kIsGrouped<P>) {
    sum_groups<P, MR, NR>(acc, source, target, kFetchAhead);
  } else if constexpr (kIsTiled<P>) {
    load_sums<P, MR, NR>(acc, source.sums, target);
  } else {
    sum_tile<P, MR, NR>(acc, source, target);
  }
  if (!source.is_last) {
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NR; ++j) source.sums[i * NR + j] = acc[i][j];
    }
    return;
  }
  if (target.activation == Activation::kNone) {
    finish_tile<P, MR, NR>(acc, target);
  } else {
    alignas(64) float sums[MR * NR * V::kLanes];
    store_sums<P, MR, NR>(acc, target, sums);
    finish_activation<V>(sums, MR, NR * V::kLanes, target);
  }
}

template <typename P>
using TileFunction = void (*)(const TileSource<P>&, const TileTarget&);

// Tile functions by rows - 1.
template <typename P, int NR>
constexpr TileFunction<P> kTiles[kTileRows] = {gemm_tile<P, 1, NR>, gemm_tile<P, 2, NR>, gemm_tile<P, 3, NR>,
                                               gemm_tile<P, 4, NR>, gemm_tile<P, 5, NR>, gemm_tile<P, 6, NR>};

// Of as many vectors as a tile of NR at most can have.
template <typename P, int NR>
inline TileFunction<P> tile_function(int vectors, int rows) {
  if constexpr (NR > 3) {
    if (vectors == 4) return kTiles<P, 4>[rows - 1];
    if (vectors == 3) return kTiles<P, 3>[rows - 1];
  }
  if constexpr (NR > 1) {
    if (vectors == 2) return kTiles<P, 2>[rows - 1];
  }
  return kTiles<P, 1>[rows - 1];
}

template <typename P>
inline void skip_rows(int rows, TileTarget* target) {
  target->c += rows * target->ldc;
  if (target->residual != nullptr) target->residual += rows * target->ldr;
  if constexpr (P::kHasScales) {
    target->row_scales += rows;
    target->row_zeros += rows;
    target->outlier_values += static_cast<ptrdiff_t>(rows) * target->outlier_count;
  }
}

// One panel against all m rows: rows are split evenly, since 16 = 6 + 5 + 5 keeps more chains busy than 6 + 6 + 4.
template <typename P, int NR>
inline void gemm_panel(TileSource<P> source, int m, TileTarget target) {
  const int tiles = (m + kTileRows - 1) / kTileRows;
  const int base = m / tiles;
  const int larger = m % tiles;
  const int vectors = (target.columns + P::Vector::kLanes - 1) / P::Vector::kLanes;
  for (int tile = 0; tile < tiles; ++tile) {
    const int rows = base + (tile < larger ? 1 : 0);
    tile_function<P, NR>(vectors, rows)(source, target);
    source.a += rows * source.lda;
    if (source.sums != nullptr) source.sums += rows * vectors;
    skip_rows<P>(rows, &target);
  }
}

template <typename P>
inline TileTarget tile_target(const typename P::Args& args, int row, int column) {
  TileTarget target{};
  target.c = args.c + row * args.ldc + column;
  target.ldc = args.ldc;
  target.bias = args.bias == nullptr ? nullptr : args.bias + column;
  target.residual = args.residual == nullptr ? nullptr : args.residual + row * args.ldr + column;
  target.ldr = args.ldr;
  target.activation = args.activation;
  if constexpr (P::kHasScales) {
    target.row_scales = args.row_scales + row;
    target.row_zeros = args.row_zeros + row;
    target.column_scales = args.column_scales + column;
    target.column_offsets = args.column_offsets + column;
    target.outlier_count = args.outlier_count;
    if (args.outlier_count > 0) {
      target.outlier_values = args.outlier_values + static_cast<ptrdiff_t>(row) * args.outlier_count;
      target.outlier_weights = args.outlier_weights + column;
      target.ldo = args.ldo;
    }
  }
  return target;
}

// Sums of more inputs than kWholeInputs are done in parts of about kPartInputs.
constexpr int kWholeInputs = 1536;
constexpr int kPartInputs = 384;
// So that the sums of a block of rows fit the stack, and L1 or L2.
constexpr int kMostRowsInParts = 342;

// A panel against m rows, part by part.
template <typename P, int NR>
inline void gemm_panel_in_parts(TileSource<P> source, int m, const TileTarget& target) {
  alignas(64) typename P::Sum sums[kMostRowsInParts * NR];
  const int steps = source.steps;
  const int parts = (steps * P::kDepth + kPartInputs - 1) / kPartInputs;
  source.sums = sums;
  for (int part = 0; part < parts; ++part) {
    const int end = static_cast<int>(static_cast<int64_t>(steps) * (part + 1) / parts);
    const int begin = static_cast<int>(static_cast<int64_t>(steps) * part / parts);
    source.steps = end - begin;
    source.is_first = part == 0;
    source.is_last = end == steps;
    gemm_panel<P, NR>(source, m, target);
    source.a += source.steps * P::kDepth;
    source.b += source.steps * source.ldb;
  }
}

// Rows that are multiplied with all panels before the next ones: they stay in L2 beside a panel. All blocks are of
// about the same size, since a last one of a few rows would read all weights for little.
template <typename P>
inline int rows_of_a_block(int m, int k) {
  constexpr int kCachedValues = 512 * 1024 / static_cast<int>(sizeof(typename P::A));
  if (k <= 0) return m;
  const int fit = k > kWholeInputs ? kMostRowsInParts : kCachedValues / k;
  const int blocks = m <= fit ? 1 : (m + fit - 1) / fit;
  const int block = ((m + blocks - 1) / blocks + kTileRows - 1) / kTileRows * kTileRows;
  return block;
}

template <typename P, int NR>
void gemm_tiled(const typename P::Args& args) noexcept;

// NR = vectors of a panel.
template <typename P, int NR>
inline void gemm_all(const typename P::Args& args) noexcept {
  if constexpr (kIsTiled<P>) return gemm_tiled<P, NR>(args);
  constexpr int kWidth = NR * P::Vector::kLanes;
  const int block = rows_of_a_block<P>(args.m, args.k);
  TileSource<P> source{};
  source.lda = args.lda;
  source.ldb = kWidth * P::kDepth;
  ptrdiff_t panel_values;
  if constexpr (kIsGrouped<P>) {
    source.steps = (args.k + P::kGroup - 1) / P::kGroup;
    panel_values = grouped_panel_bytes(source.steps, kWidth, P::kGroup);
  } else {
    source.steps = (args.k + P::kDepth - 1) / P::kDepth;
    panel_values = source.steps * source.ldb;
  }
  source.is_first = source.is_last = true;
  for (int row = 0; row < args.m; row += block) {
    const int rows = args.m - row < block ? args.m - row : block;
    // One tile reads its panel once: there is nothing to keep in a cache.
    const bool in_parts = !kIsGrouped<P> && args.k > kWholeInputs && rows > kTileRows;
    source.a = static_cast<const typename P::A*>(args.a) + row * args.lda;
    for (int column = 0; column < args.n; column += kWidth) {
      source.b = static_cast<const typename P::B*>(args.b) + static_cast<ptrdiff_t>(column / kWidth) * panel_values;
      TileTarget target = tile_target<P>(args, row, column);
      target.columns = column + kWidth >= args.n ? args.n - column : kWidth;
      if (!in_parts) {
        gemm_panel<P, NR>(source, rows, target);
      } else if constexpr (!kIsGrouped<P>) {
        gemm_panel_in_parts<P, NR>(source, rows, target);
      }
    }
  }
}

template <typename V, int NR>
inline void gemm_f32_all(const GemmF32Args& args) noexcept {
  gemm_all<ProductF32<V>, NR>(args);
}

}  // namespace
}  // namespace vivace
