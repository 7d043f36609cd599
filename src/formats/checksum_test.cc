#include "formats/checksum.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(Checksum, ChangesWithEveryByteAndTheLength) {
  std::string bytes(77, 'x');
  std::set<uint64_t> seen = {checksum(bytes), checksum(bytes + "x"), checksum({})};
  for (char& c : bytes) {
    c ^= 4;
    seen.insert(checksum(bytes));
    c ^= 4;
  }
  EXPECT_EQ(seen.size(), 3 + bytes.size());
}

TEST(Checksum, IsTheSameForAnyNumberOfThreads) {
  std::string bytes((5 << 20) + 123, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  const uint64_t expected = checksum(bytes);
  for (const int threads : {2, 3, 16}) EXPECT_EQ(checksum(bytes, threads), expected) << threads;
  std::swap(bytes[100], bytes[(1 << 20) + 100]);
  EXPECT_NE(checksum(bytes, 2), expected);
}

}  // namespace
}  // namespace vivace
