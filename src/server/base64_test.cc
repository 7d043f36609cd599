#include "server/base64.h"

#include <array>
#include <string_view>

#include <gtest/gtest.h>

namespace vivace {
namespace {

std::string of_text(std::string_view text) {
  return base64(std::as_bytes(std::span(text)));
}

// The vectors of RFC 4648, section 10.
TEST(Base64, RfcVectors) {
  EXPECT_EQ(of_text(""), "");
  EXPECT_EQ(of_text("f"), "Zg==");
  EXPECT_EQ(of_text("fo"), "Zm8=");
  EXPECT_EQ(of_text("foo"), "Zm9v");
  EXPECT_EQ(of_text("foob"), "Zm9vYg==");
  EXPECT_EQ(of_text("fooba"), "Zm9vYmE=");
  EXPECT_EQ(of_text("foobar"), "Zm9vYmFy");
  EXPECT_EQ(of_text("\xfb\xff\xfe"), "+//+");
}

// Python: base64.b64encode(struct.pack("<2f", 1.0, -2.5))
TEST(Base64, FloatsAreLittleEndian) {
  EXPECT_EQ(base64_of_floats(std::array{1.0F, -2.5F}), "AACAPwAAIMA=");
}

}  // namespace
}  // namespace vivace
