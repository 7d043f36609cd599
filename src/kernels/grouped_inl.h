// The sums of a tile of 4-bit weights: groups of kGroup inputs, whose whole sums are multiplied by the group's factor.
// All that is added up are whole numbers, so they are the same on every table.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vivace {
namespace {

// A product of such weights has P::kGroup, the inputs of a group.
template <typename P>
constexpr bool kIsGrouped = requires { P::kGroup; };

// Bytes of a panel's factors, which stand before its weights.
constexpr ptrdiff_t factor_bytes(int groups, int width) {
  return (static_cast<ptrdiff_t>(groups) * width + 63) / 64 * 64;
}

constexpr ptrdiff_t grouped_panel_bytes(int groups, int width, int group) {
  return factor_bytes(groups, width) + static_cast<ptrdiff_t>(groups) * width * group / 2;
}

// Adds one group's products of MR rows and the vectors kFirst … kEnd - 1 of a panel's. A byte holds two inputs, kDepth
// apart, and both halves of a register of them are multiplied before the next is read.
template <typename P, int kFirst, int kEnd, int MR, int NR>
inline __attribute__((always_inline)) void add_group(typename P::Sum (&acc)[MR][NR], const typename P::A* a,
                                                     ptrdiff_t lda, const int8_t* b, ptrdiff_t ldb,
                                                     const int8_t* factors) {
  using V = typename P::Vector;
  constexpr int kCount = kEnd - kFirst;
  constexpr int kVector = V::kLanes * P::kDepth;
  constexpr int kStepInputs = 2 * P::kDepth;
  typename P::Sum part[MR][kCount];
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) part[i][j] = P::zero();
  }
#pragma GCC unroll 2
  for (int step = 0; step < P::kGroup / kStepInputs; ++step) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      typename P::Operand row[kCount];
#pragma GCC unroll 4
      for (int j = 0; j < kCount; ++j) row[j] = P::load(b + (kFirst + j) * kVector, half);
#pragma GCC unroll 6
      for (int i = 0; i < MR; ++i) {
        const auto x = P::broadcast(a + i * lda + half * P::kDepth);
#pragma GCC unroll 4
        for (int j = 0; j < kCount; ++j) part[i][j] = P::add_product(x, row[j], part[i][j]);
      }
    }
    a += kStepInputs;
    b += ldb;
  }
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    const auto factor = P::load_factors(factors + (kFirst + j) * V::kLanes);
#pragma GCC unroll 6
    for (int i = 0; i < MR; ++i) acc[i][kFirst + j] = P::add_scaled(part[i][j], factor, acc[i][kFirst + j]);
  }
}

// Adds up MR rows of a times NR vectors of a panel; `steps` are groups. There are two kinds of sums, a group's and
// those of all groups: large tiles take half their vectors at a time, for which the registers are enough.
template <typename P, int MR, int NR, typename Source, typename Target>
inline __attribute__((always_inline)) void sum_groups(typename P::Sum (&acc)[MR][NR], const Source& s,
                                                      const Target& target, uintptr_t fetch_ahead) {
  using V = typename P::Vector;
  constexpr int kVectorsAtOnce = MR * NR > 12 ? NR / 2 : NR;
#pragma GCC unroll 6
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NR; ++j) acc[i][j] = P::start(target, i, j * V::kLanes);
  }
  const int width = static_cast<int>(s.ldb) / P::kDepth;
  const int8_t* factors = s.b;
  const int8_t* b = s.b + factor_bytes(s.steps, width);
  const typename P::A* a = s.a;
  for (int group = 0; group < s.steps; ++group) {
    // As a number: at the end of the weights it is no valid pointer, which a prefetch does not mind.
    const uintptr_t ahead = reinterpret_cast<uintptr_t>(b) + fetch_ahead;
#pragma GCC unroll 16
    for (int line = 0; line < P::kGroup / 2 * NR * V::kLanes; line += 64)
      V::prefetch(ahead + static_cast<uintptr_t>(line));
    add_group<P, 0, kVectorsAtOnce>(acc, a, s.lda, b, s.ldb, factors);
    if constexpr (kVectorsAtOnce < NR) add_group<P, kVectorsAtOnce, NR>(acc, a, s.lda, b, s.ldb, factors);
    a += P::kGroup;
    b += P::kGroup / (2 * P::kDepth) * s.ldb;
    factors += width;
  }
}

}  // namespace
}  // namespace vivace
