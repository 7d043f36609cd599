#include "formats/weights.h"

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/formats_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;
using testing::Not;

// A file of one-element F32 tensors.
std::string file_of(const std::vector<std::string>& names) {
  std::string header = "{";
  for (size_t i = 0; i < names.size(); ++i) {
    header += (i == 0 ? "\"" : ",\"") + names[i] + R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" +
              std::to_string(4 * i) + "," + std::to_string(4 * i + 4) + "]}";
  }
  return safetensors_bytes(header + "}", std::string(4 * names.size(), '\0'));
}

class WeightFilesTest : public testing::Test {
 protected:
  void add(const std::string& name, std::string_view content) { write_file(m_directory + "/" + name, content); }
  void add_index(std::string_view weight_map) {
    add("model.safetensors.index.json",
        R"({"metadata":{"total_size":1},"weight_map":)" + std::string(weight_map) + "}");
  }
  // The error of open(), without the folder's name.
  std::string open_error() {
    const auto files = WeightFiles::open(m_directory);
    if (files) return "no error";
    std::string text = std::string(status_code_name(files.error().code)) + " " + files.error().message;
    for (size_t at = text.find(m_directory); at != std::string::npos; at = text.find(m_directory)) {
      text.replace(at, m_directory.size(), "DIR");
    }
    return text;
  }
  std::string m_directory = make_test_directory();
};

TEST_F(WeightFilesTest, OpensASingleFile) {
  add("model.safetensors", file_of({"a", "b"}));
  const auto files = WeightFiles::open(m_directory);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->tensors().size(), 2);
  EXPECT_EQ(files->total_bytes(), 8);
  files->release_pages(files->tensors().at("a"));
  files->release_pages(TensorView{});
}

TEST_F(WeightFilesTest, OpensShards) {
  add("model-1.safetensors", file_of({"a", "b"}));
  add("model-2.safetensors", file_of({"c"}));
  add_index(R"({"a":"model-1.safetensors","b":"model-1.safetensors","c":"model-2.safetensors"})");
  const auto files = WeightFiles::open(m_directory);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->tensors().size(), 3);
  EXPECT_EQ(files->total_bytes(), 12);
  files->release_pages(files->tensors().at("c"));
}

TEST_F(WeightFilesTest, PrefersTheSingleFileLikeTransformers) {
  add("model.safetensors", file_of({"single"}));
  add_index(R"({"a":"gone.safetensors"})");
  const auto files = WeightFiles::open(m_directory);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_TRUE(files->tensors().contains("single"));
}

TEST_F(WeightFilesTest, NamesWhatIsMissing) {
  EXPECT_EQ(open_error(), "not_found DIR: has neither model.safetensors nor model.safetensors.index.json");
  add("pytorch_model.bin", "");
  EXPECT_EQ(open_error(),
            "not_found DIR: has neither model.safetensors nor model.safetensors.index.json; pytorch_model.bin is not "
            "read, save the model with safe_serialization=True");
}

TEST_F(WeightFilesTest, NamesTheBrokenFile) {
  add("model.safetensors", "short");
  EXPECT_THAT(open_error(), HasSubstr("corrupt_file DIR/model.safetensors: has 5 bytes, too few"));
}

TEST_F(WeightFilesTest, NamesTheBrokenShard) {
  add("model-1.safetensors", "short");
  add_index(R"({"a":"model-1.safetensors"})");
  EXPECT_THAT(open_error(), HasSubstr("corrupt_file DIR/model-1.safetensors: has 5 bytes, too few"));
}

TEST_F(WeightFilesTest, RefusesABrokenIndex) {
  const std::string index = "model.safetensors.index.json";
  add(index, "{");
  EXPECT_THAT(open_error(), HasSubstr("corrupt_file DIR/model.safetensors.index.json: is not valid JSON"));
  add(index, "{}");
  EXPECT_EQ(open_error(), "corrupt_file DIR/model.safetensors.index.json: 'weight_map' is missing");
  add_index("[]");
  EXPECT_THAT(open_error(), HasSubstr("weight_map: expected an object, found an array"));
  add_index("{}");
  EXPECT_THAT(open_error(), HasSubstr("weight_map: names no tensors"));
  add_index(R"({"a":1})");
  EXPECT_THAT(open_error(), HasSubstr("weight_map.a: expected a string, found an integer"));
  add_index(R"({"a":"gone.safetensors"})");
  EXPECT_EQ(open_error(),
            "corrupt_file DIR/model.safetensors.index.json: names the shard DIR/gone.safetensors, which is missing");
}

TEST_F(WeightFilesTest, ShardsStayInTheFolder) {
  for (const char* name :
       {"", ".", "..", "../model.safetensors", "/etc/passwd", "sub/model.safetensors", "a\\\\b", "a\\u0000b"}) {
    add_index("{\"a\":\"" + std::string(name) + "\"}");
    EXPECT_THAT(open_error(), HasSubstr("is not a plain file name; shards stand beside the index")) << name;
  }
}

TEST_F(WeightFilesTest, RefusesTooManyShards) {
  std::string map = "{";
  for (int i = 0; i < 1025; ++i) {
    map += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + R"(":"s)" + std::to_string(i) + "\"";
  }
  add_index(map + "}");
  EXPECT_THAT(open_error(), HasSubstr("names 1025 shards, more than the limit of 1024"));
}

TEST_F(WeightFilesTest, TellsAllDisagreementsOfIndexAndShards) {
  add("1.safetensors", file_of({"a", "moved", "extra"}));
  add("2.safetensors", file_of({"c"}));
  add_index(R"({"a":"1.safetensors","moved":"2.safetensors","c":"2.safetensors","lost":"2.safetensors"})");
  EXPECT_EQ(open_error(),
            "corrupt_file DIR/model.safetensors.index.json: does not fit its shards: 4 problems\n"
            "  'extra' is in 1.safetensors, but the index does not say so\n"
            "  'moved' is in 1.safetensors, but the index does not say so\n"
            "  'lost' is not in 2.safetensors, where the index puts it\n"
            "  'moved' is not in 2.safetensors, where the index puts it");
}

class WeightLoaderTest : public testing::Test {
 protected:
  WeightFiles open(std::string_view content) {
    const std::string directory = make_test_directory();
    write_file(directory + "/model.safetensors", content);
    auto files = WeightFiles::open(directory);
    EXPECT_TRUE(files) << files.error().message;
    return std::move(*files);
  }
};

TEST_F(WeightLoaderTest, FindsTensorsByScope) {
  const WeightFiles files = open(file_of({"encoder.layer.0.weight", "encoder.layer.1.weight", "top"}));
  WeightLoader loader(files);
  const WeightScope root = loader.root();
  EXPECT_NE(root.tensor("top", {1}).data, nullptr);
  const WeightScope layers = root.scope("encoder").scope("layer");
  for (const char* layer : {"0", "1"}) EXPECT_NE(layers.scope(layer).tensor("weight", {1}).data, nullptr);
  EXPECT_TRUE(layers.has("0.weight"));
  EXPECT_FALSE(layers.has("2.weight"));
  EXPECT_EQ(layers.full_name("7.bias"), "encoder.layer.7.bias");
  EXPECT_TRUE(loader.finish());
}

TEST_F(WeightLoaderTest, ThePrefixIsOptional) {
  const WeightFiles with = open(file_of({"bert.a"}));
  WeightLoader with_loader(with);
  EXPECT_NE(with_loader.root("bert").tensor("a", {1}).data, nullptr);
  EXPECT_TRUE(with_loader.finish());

  const WeightFiles without = open(file_of({"a", "bertram.a"}));
  WeightLoader without_loader(without);
  EXPECT_NE(without_loader.root("bert").tensor("a", {1}).data, nullptr);
  without_loader.ignore("bertram.");
  EXPECT_TRUE(without_loader.finish());
}

TEST_F(WeightLoaderTest, TellsEveryProblemAtOnce) {
  const WeightFiles files = open(safetensors_bytes(
      R"({"count":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},"nan":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
      R"("shaped":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},)"
      R"("unused":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
      R"("cls.known":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})",
      std::string(20, '\0')));
  WeightLoader loader(files);
  loader.ignore("cls.");
  const WeightScope root = loader.root("bert");
  EXPECT_EQ(root.tensor("gone", {2, 3}).data, nullptr);
  EXPECT_EQ(root.tensor("gone", {2, 3}).data, nullptr);
  EXPECT_EQ(root.tensor("shaped", {1}).data, nullptr);
  EXPECT_EQ(root.tensor("count", {1}).data, nullptr);
  EXPECT_NE(root.tensor("nan", {1}).data, nullptr);
  root.report_not_finite("nan");
  const auto finished = loader.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, StatusCode::kCorruptFile);
  EXPECT_EQ(finished.error().message,
            "the weights do not fit the model: 5 problems\n"
            "  'gone' is missing, expected with shape [2, 3]\n"
            "  'shaped' has shape [1, 1], expected [1]\n"
            "  'count' is I32, expected F32, F16 or BF16\n"
            "  'nan' holds a value that is infinite or not a number\n"
            "  'unused' is in the checkpoint, but the model has no use for it");
}

TEST_F(WeightLoaderTest, ShowsTwentyLinesOfMany) {
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) names.push_back("t" + std::to_string(10 + i));
  const WeightFiles files = open(file_of(names));
  const auto finished = WeightLoader(files).finish();
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().message, HasSubstr("25 problems\n"));
  EXPECT_THAT(finished.error().message, HasSubstr("'t29' is in"));
  EXPECT_THAT(finished.error().message, Not(HasSubstr("'t30' is in")));
  EXPECT_THAT(finished.error().message, HasSubstr("\n  and 5 more"));
}

TEST(WeightFiles, ShardsHoldWhatOneFileHolds) {
  const std::string golden = VIVACE_SOURCE_DIR "/tests/golden";
  const auto whole = WeightFiles::open(golden + "/tiny-bert-bf16");
  const auto sharded = WeightFiles::open(golden + "/tiny-bert-sharded");
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_TRUE(sharded) << sharded.error().message;
  EXPECT_GT(whole->tensors().size(), 50);
  for (const auto& [name, view] : whole->tensors()) {
    const auto same = sharded->tensors().find("bert." + name);
    ASSERT_NE(same, sharded->tensors().end()) << name;
    ASSERT_EQ(same->second.shape, view.shape) << name;
    ASSERT_EQ(same->second.dtype, view.dtype) << name;
    ASSERT_EQ(std::memcmp(same->second.data, view.data, view.bytes()), 0) << name;
  }
}

TEST(WeightFiles, RealModel) {
  const std::string directory = VIVACE_SOURCE_DIR "/models/all-MiniLM-L6-v2";
  if (!std::filesystem::exists(directory)) GTEST_SKIP() << directory << " is missing";
  const auto files = WeightFiles::open(directory);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->tensors().size(), 104);
  const TensorView& words = files->tensors().at("embeddings.word_embeddings.weight");
  EXPECT_EQ(words.shape, Shape({30522, 384}));
  std::vector<float> values(static_cast<size_t>(words.shape.elements()));
  EXPECT_TRUE(convert_to_f32(words, values.data()));
  // Values that Python's struct module reads at the same offsets of the file.
  EXPECT_FLOAT_EQ(values.front(), -0.019989014f);
  EXPECT_FLOAT_EQ(values.back(), 0.0045700637f);
}

}  // namespace
}  // namespace vivace
