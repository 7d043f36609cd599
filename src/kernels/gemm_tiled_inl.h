// Matrix products on tile registers (AMX): 16 rows and 16 columns in one instruction.
//
// Of the eight tiles 0 to 3 hold sums. For more than 16 rows they are 2 × 2: two tiles of rows (4, 5) and two of the
// panel (6, 7) make four products, so that a product loads one tile, which takes half its time. All blocks of rows have
// the same size, since to change a tile's shape costs as much as several products; the last one begins early and
// computes some rows again. Up to 16 rows take a panel's four tiles of columns at once, and stream it front to back.
//
// Inputs are added in blocks of a tile's depth from first to last, so a row's sums do not depend on the rows with it.
// What is behind the last whole block is copied between zeros. Of long sums for many rows a part is done for all rows
// before the next, so that the columns' part stays in L1; the sums wait in memory meanwhile.
//
// Weights are not fetched ahead. Measured on a Xeon of 16 cores, 768 × 768, one thread: that gained 12 % for 32 rows
// with weights in memory, nothing for fewer or more rows or out of L3, and cost 30 % with weights in L2.
#pragma once

#include "kernels/gemm_inl.h"
#include "kernels/tiles_avx512_amx_inl.h"

namespace vivace {
namespace {

constexpr int kTileHeight = 16;
constexpr int kTileColumns = 16;
constexpr int kTileBytes = 64;  // of a row

// Rows of a's, cut into one or two tiles.
struct TileRows {
  int upper;
  int lower;  // 0: one tile
  int count() const { return upper + lower; }
};

// Blocks of at most two tiles and of the same size.
inline TileRows rows_of_tiles(int m) {
  const int blocks = (m + 2 * kTileHeight - 1) / (2 * kTileHeight);
  const int rows = (m + blocks - 1) / blocks;
  if (rows <= kTileHeight) return {rows, 0};
  return {(rows + 1) / 2, rows / 2};
}

inline void configure_tiles(TileRows rows) {
  TileShapes shapes;
  for (int tile = 0; tile < 8; ++tile) {
    shapes.row_bytes[tile] = kTileBytes;
    shapes.rows[tile] = kTileHeight;
  }
  const auto upper = static_cast<uint8_t>(rows.upper);
  const auto lower = static_cast<uint8_t>(rows.lower);
  shapes.rows[0] = shapes.rows[1] = shapes.rows[4] = upper;
  shapes.rows[2] = shapes.rows[3] = lower > 0 ? lower : upper;  // of one tile of rows: sums of its columns
  if (lower > 0) shapes.rows[5] = lower;
  Tiles::configure(shapes);
}

// Inputs whose weights, of two tiles of columns, stay in L1 (48 KiB) beside the rows that pass by, in blocks of a tile.
constexpr int kBlocksOfAPart = 12;
// Rows that are multiplied by all panels before the next ones stay in L2 (2 MiB on every CPU with AMX).
constexpr int kRowBytesInL2 = 1 << 20;
constexpr int kMostTiledRows = 512;

// Some rows and some columns of one panel; strides in bytes.
struct TiledSource {
  const char* a;
  ptrdiff_t lda;
  const char* b;
  ptrdiff_t ldb;
  int blocks;  // of a tile's depth, whole ones
  // The rest of the inputs, between zeros, behind the last block; nullptr: there is none.
  const char* last_a;
  const char* last_b;
  bool adds_to_sums;  // of an earlier part
};

// Where sums are stored: rows of tiles, `stride` bytes from one row to the next.
struct TiledSums {
  char* data;
  ptrdiff_t stride;
  int vectors;  // tiles of columns
};

// One block of inputs for up to 16 rows and four tiles of columns.
template <typename P>
inline __attribute__((always_inline)) void add_row_of_tiles(const char* a, ptrdiff_t lda, const char* b, ptrdiff_t ldb,
                                                            int vectors) {
  Tiles::load<4>(a, lda);
  Tiles::load<5>(b, ldb);
  P::template add_tiles<0, 4, 5>();
  if (vectors > 1) {
    Tiles::load<6>(b + kTileBytes, ldb);
    P::template add_tiles<1, 4, 6>();
  }
  if (vectors > 2) {
    Tiles::load<7>(b + 2 * kTileBytes, ldb);
    P::template add_tiles<2, 4, 7>();
  }
  if (vectors > 3) {
    Tiles::load<5>(b + 3 * kTileBytes, ldb);
    P::template add_tiles<3, 4, 5>();
  }
}

// The same for two tiles of rows, the second `lower` bytes behind the first, and two of columns.
template <typename P>
inline __attribute__((always_inline)) void add_square_of_tiles(const char* a, ptrdiff_t lda, ptrdiff_t lower,
                                                               const char* b, ptrdiff_t ldb, int vectors) {
  Tiles::load<6>(b, ldb);
  Tiles::load<4>(a, lda);
  P::template add_tiles<0, 4, 6>();
  Tiles::load<5>(a + lower, lda);
  P::template add_tiles<2, 5, 6>();
  if (vectors > 1) {
    Tiles::load<7>(b + kTileBytes, ldb);
    P::template add_tiles<1, 4, 7>();
    P::template add_tiles<3, 5, 7>();
  }
}

inline void zero_sums() {
  Tiles::zero<0>();
  Tiles::zero<1>();
  Tiles::zero<2>();
  Tiles::zero<3>();
}

// Calls add_block(a, lda, b) for each block of inputs.
template <typename AddBlock>
inline __attribute__((always_inline)) void each_block(const TiledSource& s, AddBlock add_block) {
  for (int block = 0; block < s.blocks; ++block) {
    add_block(s.a + block * kTileBytes, s.lda, s.b + block * kTileHeight * s.ldb);
  }
  if (s.last_a != nullptr) add_block(s.last_a, kTileBytes, s.last_b);
}

// Up to 16 rows. There is nothing to gain from sums in parts.
template <typename P>
inline void sum_row_of_tiles(const TiledSource& s, const TiledSums& sums) {
  zero_sums();
  each_block(s,
             [&](const char* a, ptrdiff_t lda, const char* b) { add_row_of_tiles<P>(a, lda, b, s.ldb, sums.vectors); });
  Tiles::store<0>(sums.data, sums.stride);
  if (sums.vectors > 1) Tiles::store<1>(sums.data + kTileBytes, sums.stride);
  if (sums.vectors > 2) Tiles::store<2>(sums.data + 2 * kTileBytes, sums.stride);
  if (sums.vectors > 3) Tiles::store<3>(sums.data + 3 * kTileBytes, sums.stride);
}

template <typename P>
inline void sum_square_of_tiles(const TiledSource& s, TileRows rows, const TiledSums& sums) {
  char* lower = sums.data + rows.upper * sums.stride;
  zero_sums();
  if (s.adds_to_sums) {
    Tiles::load<0>(sums.data, sums.stride);
    Tiles::load<2>(lower, sums.stride);
    if (sums.vectors > 1) {
      Tiles::load<1>(sums.data + kTileBytes, sums.stride);
      Tiles::load<3>(lower + kTileBytes, sums.stride);
    }
  }
  each_block(s, [&](const char* a, ptrdiff_t lda, const char* b) {
    add_square_of_tiles<P>(a, lda, rows.upper * lda, b, s.ldb, sums.vectors);
  });
  Tiles::store<0>(sums.data, sums.stride);
  Tiles::store<2>(lower, sums.stride);
  if (sums.vectors > 1) {
    Tiles::store<1>(sums.data + kTileBytes, sums.stride);
    Tiles::store<3>(lower + kTileBytes, sums.stride);
  }
}

// What is behind the whole blocks of a product's inputs. A tile's zeros stay behind it.
struct TiledRest {
  alignas(64) char a[2 * kTileHeight * kTileBytes];
  alignas(64) char b[4 * kTileHeight * kTileBytes];
  int bytes;  // of a row's inputs; 0: nothing

  explicit TiledRest(int steps) : bytes(4 * steps) {
    if (steps == 0) return;
    __builtin_memset(a, 0, sizeof a);
    __builtin_memset(b, 0, sizeof b);
  }
  void take_rows(const char* from, ptrdiff_t lda, int rows) {
    for (int row = 0; row < rows; ++row) {
      __builtin_memcpy(a + row * kTileBytes, from + row * lda, static_cast<size_t>(bytes));
    }
  }
};

// Some columns of a panel for m rows, in blocks of rows.
template <typename P, int NR>
struct TiledProduct {
  TiledSource source;  // of the first row, and all inputs
  TileTarget target;
  TileRows rows;
  int m;

  int vectors() const { return (target.columns + kTileColumns - 1) / kTileColumns; }
  int blocks() const { return (m + rows.count() - 1) / rows.count(); }
  // The last block begins early, to be as large as the others.
  int first_row(int block) const {
    const int first = block * rows.count();
    return first + rows.count() <= m ? first : m - rows.count();
  }
  // fp32 sums that nothing is added to belong where the product does.
  bool has_plain_sums() const {
    return !P::kHasScales && target.columns % kTileColumns == 0 && target.bias == nullptr &&
           target.residual == nullptr && target.activation == Activation::kNone;
  }
};

// The inputs of `s` for one block of rows.
template <typename P, int NR>
inline void sum_block(const TiledProduct<P, NR>& product, TiledSource s, int block, const TiledSums& sums,
                      TiledRest* rest) {
  s.a += product.first_row(block) * s.lda;
  if (s.last_b != nullptr) {
    rest->take_rows(s.a + s.blocks * kTileBytes, s.lda, product.rows.count());
    s.last_a = rest->a;
  }
  if (product.rows.lower == 0) {
    sum_row_of_tiles<P>(s, sums);
  } else {
    sum_square_of_tiles<P>(s, product.rows, sums);
  }
}

// Scales, bias, activation and so on, of the rows of a block that are not done yet.
template <typename P, int NR>
inline void finish_block(const TiledProduct<P, NR>& product, int block, typename P::Sum* sums) {
  const int begin = block * product.rows.count();
  const int done = begin - product.first_row(block);
  TileSource<P> source{};
  source.sums = sums + done * product.vectors();
  source.is_last = true;
  TileTarget target = product.target;
  skip_rows<P>(begin, &target);
  gemm_panel<P, NR>(source, product.rows.count() - done, target);
}

template <typename P, int NR>
inline void multiply_block_by_block(const TiledProduct<P, NR>& product, TiledRest* rest) {
  const TileTarget& target = product.target;
  alignas(64) typename P::Sum memory[2 * kTileHeight * NR];
  for (int block = 0; block < product.blocks(); ++block) {
    if (product.has_plain_sums()) {
      auto* out = reinterpret_cast<char*>(target.c + product.first_row(block) * target.ldc);
      sum_block(product, product.source, block, {out, target.ldc * 4, product.vectors()}, rest);
      continue;
    }
    const TiledSums sums{reinterpret_cast<char*>(memory), product.vectors() * kTileBytes, product.vectors()};
    sum_block(product, product.source, block, sums, rest);
    finish_block(product, block, memory);
  }
}

template <typename P, int NR>
inline void multiply_part_by_part(const TiledProduct<P, NR>& product, TiledRest* rest) {
  const int vectors = product.vectors();
  const int sums_of_a_block = product.rows.count() * vectors;
  alignas(64) typename P::Sum memory[(kMostTiledRows + 2 * kTileHeight) * 2];
  const int all = product.source.blocks;
  const int parts = (all + kBlocksOfAPart - 1) / kBlocksOfAPart;
  for (int part = 0; part < parts; ++part) {
    const int begin = all * part / parts;
    const int end = all * (part + 1) / parts;
    TiledSource s = product.source;
    s.a += begin * kTileBytes;
    s.b += begin * kTileHeight * s.ldb;
    s.blocks = end - begin;
    s.adds_to_sums = part > 0;
    if (end < all) s.last_b = nullptr;
    for (int block = 0; block < product.blocks(); ++block) {
      typename P::Sum* sums = memory + block * sums_of_a_block;
      sum_block(product, s, block, {reinterpret_cast<char*>(sums), vectors * kTileBytes, vectors}, rest);
      if (end == all) finish_block(product, block, sums);
    }
  }
}

// Rows that are multiplied by all panels before the next ones, all of about the same number.
inline int rows_in_l2(int m, ptrdiff_t row_bytes) {
  ptrdiff_t fit = row_bytes == 0 ? kMostTiledRows : kRowBytesInL2 / row_bytes / (2 * kTileHeight) * (2 * kTileHeight);
  if (fit < 2 * kTileHeight) fit = 2 * kTileHeight;
  if (fit > kMostTiledRows) fit = kMostTiledRows;
  const int blocks = (m + static_cast<int>(fit) - 1) / static_cast<int>(fit);
  return (m + blocks - 1) / blocks;
}

// All panels for some rows.
template <typename P, int NR>
inline void multiply_rows_in_l2(const typename P::Args& args, int row, int m) {
  constexpr int kWidth = NR * P::Vector::kLanes;
  const int steps = (args.k + P::kDepth - 1) / P::kDepth;
  TiledRest rest(steps % kTileHeight);
  TiledProduct<P, NR> product{};
  product.m = m;
  product.rows = rows_of_tiles(m);
  TiledSource& source = product.source;
  source.lda = args.lda * static_cast<ptrdiff_t>(sizeof(typename P::A));
  source.ldb = NR * kTileBytes;
  source.a = static_cast<const char*>(args.a) + row * source.lda;
  source.blocks = steps / kTileHeight;
  configure_tiles(product.rows);
  const int at_once = product.rows.lower == 0 ? kWidth : 2 * kTileColumns;
  const bool in_parts = source.blocks > kBlocksOfAPart && m > 4 * kTileHeight;
  for (int column = 0; column < args.n; column += at_once) {
    const char* panel = static_cast<const char*>(args.b) + static_cast<ptrdiff_t>(column / kWidth) * steps * source.ldb;
    const int first = column % kWidth / kTileColumns * kTileBytes;
    source.b = panel + first;
    if (rest.bytes > 0) {
      if (first == 0) {
        __builtin_memcpy(rest.b, panel + source.blocks * kTileHeight * source.ldb,
                         static_cast<size_t>(steps % kTileHeight * source.ldb));
      }
      source.last_b = rest.b + first;
    }
    product.target = tile_target<P>(args, row, column);
    product.target.columns = column + at_once >= args.n ? args.n - column : at_once;
    if (in_parts) {
      multiply_part_by_part(product, &rest);
    } else {
      multiply_block_by_block(product, &rest);
    }
  }
}

template <typename P, int NR>
inline void gemm_tiled(const typename P::Args& args) noexcept {
  if constexpr (requires { typename P::FewRows; }) {
    if (args.m <= P::kFewRows) return gemm_all<typename P::FewRows, NR>(args);
  }
  if (args.m == 0) return;
  const int block = rows_in_l2(args.m, args.k * static_cast<ptrdiff_t>(sizeof(typename P::A)));
  for (int row = 0; row < args.m; row += block) {
    multiply_rows_in_l2<P, NR>(args, row, args.m - row < block ? args.m - row : block);
  }
  Tiles::release();
}

}  // namespace
}  // namespace vivace
