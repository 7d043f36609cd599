#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/formats_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;

auto parse(const std::string& bytes) {
  return parse_safetensors(bytes, "w.safetensors");
}

// Parses a file of this header and `data_bytes` bytes of zeros; the message of the error, with its code in front.
std::string error_of(std::string_view header, size_t data_bytes) {
  const auto parsed = parse(safetensors_bytes(header, std::string(data_bytes, '\0')));
  if (parsed) return "no error";
  return std::string(status_code_name(parsed.error().code)) + " " + parsed.error().message;
}

TEST(Safetensors, ReadsTensorsInAnyOrderOfTheHeader) {
  const std::string bytes =
      safetensors_bytes(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},)"
                        R"("a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}   )",
                        "abcdefghijklmnop");
  const auto tensors = parse(bytes);
  ASSERT_TRUE(tensors) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 2);
  const TensorView& a = tensors->at("a");
  EXPECT_EQ(a.dtype, DType::kF16);
  EXPECT_EQ(a.shape, Shape({2, 2}));
  EXPECT_EQ(a.bytes(), 8);
  EXPECT_EQ(static_cast<char>(a.data[0]), 'a');
  const TensorView& b = tensors->at("b");
  EXPECT_EQ(b.dtype, DType::kI64);
  EXPECT_EQ(b.shape.rank(), 0);
  EXPECT_EQ(static_cast<char>(b.data[0]), 'i');
}

TEST(Safetensors, KnowsEveryDType) {
  const std::pair<const char*, int> kSizes[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I8", 1},
                                                {"U8", 1},  {"I32", 4}, {"I64", 8}};
  for (const auto& [name, size] : kSizes) {
    const std::string end = std::to_string(3 * size);
    const std::string bytes = safetensors_bytes(
        R"({"x":{"dtype":")" + std::string(name) + R"(","shape":[3],"data_offsets":[0,)" + end + "]}}",
        std::string(static_cast<size_t>(3 * size), '\0'));
    const auto tensors = parse(bytes);
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_EQ(dtype_name(tensors->at("x").dtype), name);
  }
}

TEST(Safetensors, ReadsEmptyTensorsAndAnEmptyFile) {
  const std::string bytes = safetensors_bytes(
      R"({"end":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("start":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
      "0123");
  const auto tensors = parse(bytes);
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ(tensors->at("end").bytes(), 0);
  EXPECT_NE(tensors->at("end").data, nullptr);
  const auto none = parse(safetensors_bytes("{}", ""));
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->empty());
}

TEST(Safetensors, RefusesATruncatedOrLyingHeaderLength) {
  EXPECT_EQ(parse("").error().message,
            "w.safetensors: has 0 bytes, too few for a safetensors file; copy or download it again");
  EXPECT_EQ(parse("1234567").error().code, StatusCode::kCorruptFile);
  EXPECT_EQ(parse(std::string("\x09\0\0\0\0\0\0\0{}", 10)).error().message,
            "w.safetensors: says that its header has 9 bytes, but only 2 follow; it was cut short, copy or download it "
            "again");
  EXPECT_EQ(
      parse(std::string(16, '\xFF')).error().message,
      "w.safetensors: says that its header has 18446744073709551615 bytes, more than the limit of 100000000; it is "
      "not a safetensors file");
  EXPECT_THAT(parse(std::string("\x01\xE1\xF5\x05\0\0\0\0", 8)).error().message, HasSubstr("100000001 bytes, more"));
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string whole = safetensors_bytes(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "01234567");
  ASSERT_TRUE(parse(whole));
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto parsed = parse(whole.substr(0, length));
    ASSERT_FALSE(parsed) << length;
    EXPECT_EQ(parsed.error().code, StatusCode::kCorruptFile) << length;
  }
}

struct BadHeader {
  const char* name;
  const char* header;
  size_t data_bytes;
  const char* message;
};

class BadHeaderTest : public testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaderTest, IsRefusedWithItsReason) {
  EXPECT_EQ(error_of(GetParam().header, GetParam().data_bytes), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, BadHeaderTest,
    testing::Values(
        BadHeader{"NotAnObject", "[]", 0, "corrupt_file w.safetensors: expected an object, found an array"},
        BadHeader{"TensorNotAnObject", R"({"x":3})", 0,
                  "corrupt_file w.safetensors: x: expected an object, found an integer"},
        BadHeader{"NoDType", R"({"x":{"shape":[1],"data_offsets":[0,4]}})", 4,
                  "corrupt_file w.safetensors: x: 'dtype' is missing"},
        BadHeader{"NoShape", R"({"x":{"dtype":"F32","data_offsets":[0,4]}})", 4,
                  "corrupt_file w.safetensors: x: 'shape' is missing"},
        BadHeader{"NoOffsets", R"({"x":{"dtype":"F32","shape":[1]}})", 4,
                  "corrupt_file w.safetensors: x: 'data_offsets' is missing"},
        BadHeader{"DTypeNotAString", R"({"x":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", 4,
                  "corrupt_file w.safetensors: x.dtype: expected a string, found an integer"},
        BadHeader{
            "UnknownDType", R"({"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 8,
            "unsupported w.safetensors: tensor 'x' has dtype 'F64'; supported are F32, F16, BF16, I8, U8, I32 and "
            "I64"},
        BadHeader{"NegativeExtent", R"({"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
                  "corrupt_file w.safetensors: x.shape[0]: is -1, expected 0 to 9223372036854775807"},
        BadHeader{"FractionalExtent", R"({"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4,
                  "corrupt_file w.safetensors: x.shape[0]: expected an integer, found a number"},
        BadHeader{"ExtentPast63Bits", R"({"x":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", 4,
                  "corrupt_file w.safetensors: x.shape[0]: is 18446744073709551615, expected 0 to 9223372036854775807"},
        BadHeader{"FiveDimensions", R"({"x":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}})", 4,
                  "unsupported w.safetensors: tensor 'x' has more than 4 dimensions"},
        BadHeader{"ProductOverflows", R"({"x":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})",
                  0,
                  "corrupt_file w.safetensors: tensor 'x' has shape [4294967296, 4294967296, 0], which is too large"},
        BadHeader{"SizeOverflows", R"({"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
                  "corrupt_file w.safetensors: tensor 'x' has shape [4611686018427387904], which is too large"},
        BadHeader{"WrongSize", R"({"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}})", 20,
                  "corrupt_file w.safetensors: tensor 'x' has 20 bytes, but its shape [2, 3] of F32 needs 24"},
        BadHeader{"OneOffset", R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4,
                  "corrupt_file w.safetensors: x.data_offsets: expected two offsets, found 1"},
        BadHeader{"OffsetsSwapped", R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
                  "corrupt_file w.safetensors: tensor 'x' ends before it begins: data_offsets [4, 0]"},
        BadHeader{"OutOfRange", R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7,
                  "corrupt_file w.safetensors: tensor 'x' ends at byte 8, but the file holds only 7 bytes of tensors; "
                  "copy or download it again"},
        BadHeader{"FarOutOfRange",
                  R"({"x":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}})", 4,
                  "corrupt_file w.safetensors: tensor 'x' ends at byte 9223372036854775807, but the file holds only 4 "
                  "bytes of tensors; copy or download it again"},
        BadHeader{"Overlap",
                  R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                  R"("y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                  8, "corrupt_file w.safetensors: tensor 'y' overlaps the tensor before it"},
        BadHeader{"SameBytes",
                  R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                  R"("y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                  4, "corrupt_file w.safetensors: tensor 'y' overlaps the tensor before it"},
        BadHeader{"GapBetween",
                  R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                  R"("y":{"dtype":"F32","shape":[1],"data_offsets":[6,10]}})",
                  10, "corrupt_file w.safetensors: tensor 'y' leaves a gap of 2 bytes before it"},
        BadHeader{"BytesAtTheEnd", R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5,
                  "corrupt_file w.safetensors: has 1 bytes that belong to no tensor"},
        BadHeader{"DuplicateName",
                  R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                  R"("x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                  8, "corrupt_file w.safetensors: 'x' occurs twice"},
        BadHeader{"MetadataNotAnObject", R"({"__metadata__":[]})", 0,
                  "corrupt_file w.safetensors: __metadata__: expected an object, found an array"},
        BadHeader{"MetadataNotStrings", R"({"__metadata__":{"a":1}})", 0,
                  "corrupt_file w.safetensors: __metadata__.a: expected a string, found an integer"},
        BadHeader{"ControlCharactersInTheName", "{\"x\\ny\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}",
                  8,
                  "unsupported w.safetensors: tensor 'x?y' has dtype 'F64'; supported are F32, F16, BF16, I8, U8, I32 "
                  "and I64"}),
    [](const auto& param) { return param.param.name; });

TEST(Safetensors, RefusesAHeaderThatIsNotJson) {
  for (const char* header : {"", "{", "{\"x\":", "not json", "{}{}", "{\"\xFF\":1}", "\0"}) {
    EXPECT_THAT(error_of(header, 0), HasSubstr("corrupt_file w.safetensors: is not valid JSON")) << header;
  }
  EXPECT_THAT(error_of(std::string(100, '[') + std::string(100, ']'), 0), HasSubstr("is nested deeper than 64"));
}

}  // namespace
}  // namespace vivace
