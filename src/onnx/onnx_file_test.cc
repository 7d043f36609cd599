#include "onnx/onnx_file.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "onnx/onnx_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;
using testing::Optional;

std::string fresh_folder(const std::string& name) {
  const std::string path = testing::TempDir() + "/vivace-onnx-file-" + name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path + "/onnx");
  return path;
}

TEST(OnnxFileTest, FilesAreFoundInADocumentedOrder) {
  const std::string path = fresh_folder("order");
  EXPECT_EQ(find_onnx_file(path), std::nullopt);
  for (const char* name :
       {"onnx/model_int8.onnx", "onnx/model.onnx", "model_int8.onnx", "model_quantized.onnx", "model.onnx"}) {
    std::ofstream(path + "/" + name) << "x";
    EXPECT_THAT(find_onnx_file(path), Optional(std::string(name)));
  }
}

TEST(OnnxFileTest, Facts) {
  const auto plain = read_onnx_file(onnx_path("hidden-states"), "model.onnx");
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  EXPECT_FALSE(plain->quantizes_dynamically);
  EXPECT_EQ(plain->dtype, "F32");
  EXPECT_GT(plain->parameters, 20'000U);
  const auto external = read_onnx_file(onnx_path("external-data"), "onnx/model.onnx");
  ASSERT_TRUE(external.has_value()) << external.error().message;
  EXPECT_EQ(external->parameters, plain->parameters);
  const auto dynamic = read_onnx_file(onnx_path("dynamic-int8"), "model.onnx");
  ASSERT_TRUE(dynamic.has_value()) << dynamic.error().message;
  EXPECT_TRUE(dynamic->quantizes_dynamically);
  EXPECT_TRUE(dynamic->dtype == "I8" || dynamic->dtype == "U8") << dynamic->dtype;
}

TEST(OnnxFileTest, DataOutsideTheFolderOrOfTheWrongSizeIsRefused) {
  const auto refused = [](const std::string& file, StatusCode code, const std::string& message) {
    const auto facts = read_onnx_file(onnx_path("bad"), file + ".onnx");
    ASSERT_FALSE(facts.has_value()) << file;
    EXPECT_EQ(facts.error().code, code) << file;
    EXPECT_THAT(facts.error().message, HasSubstr(message));
  };
  refused("outside", StatusCode::kCorruptFile, "'../secret.bin', which is not a file of the model's folder");
  refused("absolute", StatusCode::kCorruptFile, "'/etc/passwd', which is not a file of the model's folder");
  refused("missing", StatusCode::kNotFound, "gone.bin");
  refused("past-end", StatusCode::kCorruptFile, "18446744073709551000");
  refused("too-short", StatusCode::kCorruptFile, "needs 1552 bytes");
  refused("nothing", StatusCode::kNotFound, "nothing.onnx");
}

TEST(OnnxFileTest, EveryTruncationIsNoticed) {
  const auto file = MappedFile::open(onnx_path("bad/good.onnx"));
  ASSERT_TRUE(file.has_value());
  const std::string whole(file->bytes());
  const std::string path = fresh_folder("truncated");
  // What stands behind the graph (the versions of the operations) may be cut off between two fields.
  const size_t graph_end = whole.rfind(std::string_view("\x42\x04\x0a\x00\x10\x11", 6));
  ASSERT_NE(graph_end, std::string::npos);
  for (size_t size = 0; size < graph_end; size += size < 150 ? 1 : 41) {
    std::ofstream(path + "/model.onnx", std::ios::binary | std::ios::trunc)
        .write(whole.data(), static_cast<std::streamsize>(size));
    const auto facts = read_onnx_file(path, "model.onnx");
    ASSERT_FALSE(facts.has_value()) << size;
    EXPECT_NE(facts.error().code, StatusCode::kInternal);
  }
}

TEST(OnnxFileTest, ChangedBytesDoNoHarm) {
  const auto file = MappedFile::open(onnx_path("bad/good.onnx"));
  ASSERT_TRUE(file.has_value());
  const std::string path = fresh_folder("changed");
  for (size_t at = 0; at < file->bytes().size(); at += at < 200 ? 1 : 97) {
    for (const char value : {'\x00', '\x7f', '\xff'}) {
      std::string bytes(file->bytes());
      bytes[at] = value;
      std::ofstream(path + "/model.onnx", std::ios::binary | std::ios::trunc)
          .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      (void)read_onnx_file(path, "model.onnx");
    }
  }
}

TEST(OnnxFileTest, GraphsTooDeepInsideEachOther) {
  std::string graph;
  const auto wrap = [](uint8_t field, const std::string& message) {
    std::string length;
    for (size_t rest = message.size(); true; rest >>= 7) {
      length += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
      if (rest <= 0x7F) break;
    }
    return std::string(1, static_cast<char>(field << 3 | 2)) + length + message;
  };
  for (int i = 0; i < 10'000; ++i) graph = wrap(1, wrap(5, wrap(6, graph)));  // node, attribute, graph
  const std::string path = fresh_folder("deep");
  const std::string model = wrap(7, graph);
  std::ofstream(path + "/model.onnx", std::ios::binary).write(model.data(), static_cast<std::streamsize>(model.size()));
  const auto facts = read_onnx_file(path, "model.onnx");
  ASSERT_FALSE(facts.has_value());
  EXPECT_THAT(facts.error().message, HasSubstr("deep"));
}

}  // namespace
}  // namespace vivace
