#include "text/byte_masks.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(ByteMasks, KnowEveryByteAtEveryPlace) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(kMaskedBytes, static_cast<char>(byte));
    const ByteMasks masks = masks_of(text.data());
    const auto all_if = [](bool is_one) { return is_one ? ~uint64_t{0} : 0; };
    EXPECT_EQ(masks.spaces, all_if(byte == ' ')) << byte;
    EXPECT_EQ(masks.line_feeds, all_if(byte == '\n')) << byte;
    EXPECT_EQ(masks.graphic, all_if(byte >= '!' && byte <= '~')) << byte;
    EXPECT_EQ(masks.non_ascii, all_if(byte >= 0x80)) << byte;
    EXPECT_EQ(masks, masks_byte_by_byte(text.data())) << byte;
  }
}

TEST(ByteMasks, TellBytesApart) {
  std::mt19937 random(11);
  std::string text(kMaskedBytes + 16, ' ');
  for (int round = 0; round < 1000; ++round) {
    for (char& c : text) c = static_cast<char>(random() % 2 == 0 ? random() : random() % 0x21 + 0x0A);
    const char* const bytes = text.data() + round % 16;  // at any address
    ASSERT_EQ(masks_of(bytes), masks_byte_by_byte(bytes)) << round;
  }
}

}  // namespace
}  // namespace vivace
