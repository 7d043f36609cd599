#include "formats/packed_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>

#include <gmock/gmock.h>

#include "base/mapped_file.h"
#include "formats/checksum.h"
#include "formats/packed_layout.h"

namespace vivace {
namespace {

constexpr int kInputs = 40;
constexpr int kOutputs = 19;

class PackedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    m_path = testing::TempDir() + "packed_file_test.packed";
    std::mt19937 random(1);
    std::vector<float> weights(kInputs * kOutputs);
    for (float& weight : weights) weight = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
    m_matrix = PackedMatrix(kInputs, kOutputs, {DType::kI8, 16, 2}, std::vector<int32_t>{12, 34});
    m_matrix.pack_rows(weights.data(), kOutputs, 0);
    PackedFileWriter writer(m_path);
    writer.add_matrix("layer:I8", m_matrix);
    writer.add_tensors({{"table", {nullptr, DType::kF32, Shape(std::vector<int64_t>{2, 3})}}});
    ASSERT_TRUE(
        writer.finish({.table = "generic", .precision = Precision::kInt8, .kept_in_bf16 = {}, .source = "here"}));
  }
  void TearDown() override { std::filesystem::remove(m_path); }

  // What becomes of the file with that in its index instead, and a right checksum.
  std::string error_with(std::string_view found, std::string_view replaced) const {
    const auto file = MappedFile::open(m_path);
    const std::string_view bytes = file->bytes();
    const auto buffer = std::make_shared<AlignedBuffer<std::byte>>(bytes.size());
    std::ranges::copy(std::as_bytes(std::span(bytes)), buffer->data());
    const size_t at = bytes.find(found);
    EXPECT_NE(at, std::string_view::npos);
    EXPECT_EQ(found.size(), replaced.size());
    std::memcpy(buffer->data() + at, replaced.data(), replaced.size());
    const std::string_view changed(reinterpret_cast<const char*>(buffer->data()), bytes.size());
    PackedHeader header;
    std::memcpy(&header, buffer->data(), sizeof header);
    header.checksum = checksum(changed.substr(sizeof header));
    std::memcpy(buffer->data(), &header, sizeof header);
    const auto parsed = PackedFile::parse(changed, buffer, "changed");
    return parsed ? "" : parsed.error().message;
  }

  std::string m_path;
  PackedMatrix m_matrix;
};

TEST_F(PackedFileTest, GivesAnInt8MatrixBackAsItWas) {
  const auto file = PackedFile::open(m_path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const auto read = (*file)->matrix("layer:I8");
  ASSERT_TRUE(read.has_value());
  EXPECT_THAT(read->outliers(), testing::ElementsAre(12, 34));
  std::vector<float> expected(kInputs);
  std::vector<float> found(kInputs);
  for (int output = 0; output < kOutputs; ++output) {
    m_matrix.unpack_row(output, expected.data());
    read->unpack_row(output, found.data());
    EXPECT_EQ(found, expected);
  }
  EXPECT_EQ(read->bytes(), m_matrix.bytes());
  EXPECT_THAT((*file)->outliers(), testing::ElementsAre(testing::Pair("layer", testing::ElementsAre(12, 34))));
}

TEST_F(PackedFileTest, RefusesOutliersThatAreNone) {
  EXPECT_EQ(error_with("[12,34]", "[12,35]"), "");
  EXPECT_THAT(error_with("[12,34]", "[34,12]"), testing::HasSubstr("is not ascending"));
  EXPECT_THAT(error_with("[12,34]", "[34,34]"), testing::HasSubstr("is not ascending"));
  EXPECT_THAT(error_with("[12,34]", "[12,40]"), testing::HasSubstr("outliers"));
  EXPECT_THAT(error_with("[12,34]", "[12,-4]"), testing::HasSubstr("outliers"));
  // Their weights are those of two.
  EXPECT_THAT(error_with("[12,34]", "[12   ]"), testing::HasSubstr("another size"));
  EXPECT_THAT(error_with("\"outliers\"", "\"outlierz\""), testing::HasSubstr("outliers"));
}

TEST_F(PackedFileTest, RefusesInt4WhereItCannotBe) {
  const std::string layout = R"("dtype":"I8","width":16,"depth":2)";
  EXPECT_THAT(error_with(layout, R"("dtype":"I4","width":16,"depth":2)"), testing::HasSubstr("another size"));
  EXPECT_THAT(error_with(layout, R"("dtype":"I4","width":16,"depth":3)"), testing::HasSubstr("has no such depth"));
  EXPECT_THAT(error_with(R"("F32")", R"("I4" )"), testing::HasSubstr("has a type of matrices only"));
}

}  // namespace
}  // namespace vivace
