#include "tensor/shared_pages.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "base/process_memory.h"

namespace vivace {
namespace {

constexpr size_t kMega = size_t{1} << 20;

TEST(SharedPages, BuffersAreAlignedAndDoNotOverlap) {
  std::vector<AlignedBuffer<std::byte>> buffers;
  {
    SharedPages pages;
    for (const size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{65}, 7 * kMega + 1, 7 * kMega, 8 * kMega,
                               8 * kMega, 8 * kMega + 1, 3 * kMega, SharedPages::kRegionBytes + 1, size_t{100}}) {
      buffers.push_back(pages.allocate(bytes));
      ASSERT_EQ(buffers.back().size(), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers.back().data()) % 64, 0U) << bytes;
    }
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    std::memset(buffers[i].data(), static_cast<int>(i + 1), buffers[i].size());
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    for (size_t at = 0; at < buffers[i].size(); ++at) {
      ASSERT_EQ(buffers[i].data()[at], static_cast<std::byte>(i + 1)) << i << " at " << at;
    }
  }
}

TEST(SharedPages, MatricesOfLessThanAPageStandSideBySide) {
  if (!kMapsMemory) GTEST_SKIP() << "AddressSanitizer wants each buffer by itself";
  SharedPages pages;
  const auto first = pages.allocate(100);
  const auto second = pages.allocate(kMega);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first.data()) % (2 * kMega), 0U);
  EXPECT_EQ(second.data() - first.data(), 128);
}

TEST(SharedPages, MemoryGoesBackWithTheLastBuffer) {
  if (!kMapsMemory) GTEST_SKIP() << "AddressSanitizer keeps what was freed";
  constexpr size_t kBytes = 7 * kMega;
  SharedPages pages;
  std::vector<AlignedBuffer<std::byte>> buffers;
  for (int i = 0; i < 8; ++i) {
    buffers.push_back(pages.allocate(kBytes));
    std::memset(buffers.back().data(), 1, kBytes);
  }
  const uint64_t with = resident_bytes();
  pages = {};
  buffers.erase(buffers.begin() + 1, buffers.end());
  // One of two regions is kept by the first buffer.
  EXPECT_LT(resident_bytes() + 3 * kBytes, with);
  EXPECT_EQ(buffers.front().data()[kBytes - 1], std::byte{1});
  buffers.clear();
  EXPECT_LT(resident_bytes() + 7 * kBytes, with);
}

}  // namespace
}  // namespace vivace
