// The Tiles of tiles_avx512_amx_inl.h without AMX, for tests on any machine: the build puts this header before the
// table's source. Tiles of the wrong shape end the test.
#pragma once

#define VIVACE_EMULATES_AMX

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace vivace {
namespace {

struct Tiles {
  template <typename TileShapes>
  static void configure(const TileShapes& shapes) {
    demand(shapes.palette == 1 && shapes.start_row == 0 && sizeof shapes == 64);
    for (int tile = 0; tile < 8; ++tile) {
      s_rows[tile] = shapes.rows[tile];
      s_row_bytes[tile] = shapes.row_bytes[tile];
      demand(s_rows[tile] <= 16 && s_row_bytes[tile] <= 64);
    }
    std::memset(s_tiles, 0, sizeof s_tiles);
    s_are_configured = true;
  }
  static void release() { s_are_configured = false; }

  template <int kTile>
  static void zero() {
    demand(s_are_configured);
    std::memset(s_tiles[kTile], 0, sizeof s_tiles[kTile]);
  }
  template <int kTile>
  static void load(const void* p, ptrdiff_t stride) {
    zero<kTile>();
    for (int row = 0; row < s_rows[kTile]; ++row) {
      std::memcpy(s_tiles[kTile][row], static_cast<const char*>(p) + row * stride, s_row_bytes[kTile]);
    }
  }
  template <int kTile>
  static void store(void* p, ptrdiff_t stride) {
    demand(s_are_configured);
    for (int row = 0; row < s_rows[kTile]; ++row) {
      std::memcpy(static_cast<char*>(p) + row * stride, s_tiles[kTile][row], s_row_bytes[kTile]);
    }
  }
  // The sums of first and of second members of all pairs apart, then both to what was there.
  template <int kSums, int kA, int kB>
  static void add_bf16() {
    demand_shapes(kSums, kA, kB);
    for (int row = 0; row < s_rows[kSums]; ++row) {
      for (int column = 0; column < s_row_bytes[kSums] / 4; ++column) {
        float sums[2] = {};
        for (int k = 0; k < s_row_bytes[kA] / 4; ++k) {
          for (int i = 0; i < 2; ++i) {
            sums[i] = std::fmaf(bf16_at(kA, row, 2 * k + i), bf16_at(kB, k, 2 * column + i), sums[i]);
          }
        }
        float sum;
        std::memcpy(&sum, s_tiles[kSums][row] + 4 * column, 4);
        sum += sums[0] + sums[1];
        std::memcpy(s_tiles[kSums][row] + 4 * column, &sum, 4);
      }
    }
  }
  template <int kSums, int kA, int kB>
  static void add_bytes() {
    demand_shapes(kSums, kA, kB);
    for (int row = 0; row < s_rows[kSums]; ++row) {
      for (int column = 0; column < s_row_bytes[kSums] / 4; ++column) {
        int32_t sum;
        std::memcpy(&sum, s_tiles[kSums][row] + 4 * column, 4);
        for (int k = 0; k < s_row_bytes[kA]; ++k) {
          sum += s_tiles[kA][row][k] * static_cast<int8_t>(s_tiles[kB][k / 4][4 * column + k % 4]);
        }
        std::memcpy(s_tiles[kSums][row] + 4 * column, &sum, 4);
      }
    }
  }

 private:
  static void demand(bool holds) {
    if (!holds) std::abort();
  }
  // What raises an exception of the processor otherwise.
  static void demand_shapes(int sums, int a, int b) {
    demand(s_are_configured && s_rows[sums] == s_rows[a] && s_row_bytes[sums] == s_row_bytes[b] &&
           s_row_bytes[a] == 4 * s_rows[b]);
  }
  static float bf16_at(int tile, int row, int i) {
    uint16_t high;
    std::memcpy(&high, s_tiles[tile][row] + 2 * i, 2);
    const uint32_t bits = static_cast<uint32_t>(high) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }

  static inline thread_local int s_rows[8];
  static inline thread_local int s_row_bytes[8];
  static inline thread_local uint8_t s_tiles[8][16][64];
  static inline thread_local bool s_are_configured = false;
};

}  // namespace
}  // namespace vivace
