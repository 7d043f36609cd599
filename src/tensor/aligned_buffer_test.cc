#include "tensor/aligned_buffer.h"

#include <cstdint>
#include <cstring>

#include <gtest/gtest.h>

#include "base/process_memory.h"

namespace vivace {
namespace {

TEST(AlignedBuffer, EverySizeIsAlignedAndWritable) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{65}, (size_t{2} << 20) - 1, size_t{2} << 20,
                             (size_t{2} << 20) + 1, (size_t{5} << 20) + 4097}) {
    AlignedBuffer<std::byte> buffer(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0U) << bytes;
    EXPECT_EQ(buffer.size(), bytes);
    if (bytes == 0) continue;
    std::memset(buffer.data(), 1, bytes);
    EXPECT_EQ(buffer.data()[bytes - 1], std::byte{1}) << bytes;
    AlignedBuffer<std::byte> moved = std::move(buffer);
    EXPECT_EQ(moved.data()[0], std::byte{1}) << bytes;
  }
}

TEST(AlignedBuffer, LargeOnesGoBackToTheSystem) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps what was freed";
#endif
  constexpr size_t kBytes = size_t{64} << 20;
  uint64_t with = 0;
  {
    AlignedBuffer<std::byte> buffer(kBytes);
    std::memset(buffer.data(), 1, kBytes);
    with = resident_bytes();
  }
  EXPECT_LT(resident_bytes() + kBytes / 10 * 9, with);
}

}  // namespace
}  // namespace vivace
