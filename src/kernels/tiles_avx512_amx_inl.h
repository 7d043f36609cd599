// AMX's eight tile registers, each up to 16 rows of 64 bytes. Compilers know their instructions only as macros that
// want the registers' numbers in digits; these take them as template arguments. A thread's tiles exist from configure()
// to release(). Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, TDPBF16PS, TDPBUSD,
// LDTILECFG. Tests also have Tiles without the instructions (amx_emulation_testing.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace vivace {
namespace {

// What LDTILECFG reads. Every tile that is used has a shape.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

#ifndef VIVACE_EMULATES_AMX
struct Tiles {
  static void configure(const TileShapes& shapes) { __asm__ volatile("ldtilecfg %0" ::"m"(shapes)); }
  static void release() { __asm__ volatile("tilerelease"); }

  template <int kTile>
  static void zero() {
    __asm__ volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  // stride: bytes from one row to the next.
  template <int kTile>
  static void load(const void* p, ptrdiff_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  static void store(void* p, ptrdiff_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(kTile) : "memory");
  }
  // Adds to 16 fp32 of each row those of A (pairs of bf16) times those of B (16 pairs a row, one for each column).
  template <int kSums, int kA, int kB>
  static void add_bf16() {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kA), "i"(kB));
  }
  // The same for 16 whole numbers: A holds four unsigned bytes for each four signed ones of B.
  template <int kSums, int kA, int kB>
  static void add_bytes() {
    __asm__ volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kA), "i"(kB));
  }
};
#endif

}  // namespace
}  // namespace vivace
