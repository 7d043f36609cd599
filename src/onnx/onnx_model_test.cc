#include "onnx/onnx_model.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/onnx_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;

// Between two engines that add up in different orders.
constexpr double kTolerance = 1e-4;

class OnnxModelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_openvino()) GTEST_SKIP() << "this build has no OpenVINO";
  }
};

std::unique_ptr<const Model> load(const std::string& name) {
  auto model = load_onnx_directory(onnx_path(name));
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return model ? std::move(*model) : nullptr;
}

struct Case {
  std::string directory;
  std::string name;  // of the output
  ModelOutput output;
  int columns;
};

// Every sequence alone, and all of them together in an order that mixes lengths.
void expect_reference(const Model& model, const OnnxReference& reference, const Case& with) {
  std::vector<int> order(static_cast<size_t>(reference.sequences()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::rotate(order, order.begin() + 4);
  std::vector<float> expected;
  for (const int i : order) {
    const std::vector<float> alone = reference.output(i, with.name);
    EXPECT_LT(relative_difference(run_onnx(model, reference.batch({i}), with.output), alone), kTolerance) << i;
    expected.insert(expected.end(), alone.begin(), alone.end());
  }
  EXPECT_LT(relative_difference(run_onnx(model, reference.batch(order), with.output), expected), kTolerance);
}

TEST_F(OnnxModelTest, EqualsOnnxruntimeAloneAndInABatch) {
  const std::vector<Case> cases = {
      {"hidden-states", "last_hidden_state", ModelOutput::kHiddenStates, 36},
      {"no-mask", "last_hidden_state", ModelOutput::kHiddenStates, 36},
      {"sentence-vector", "token_embeddings", ModelOutput::kHiddenStates, 36},
      {"sentence-vector", "sentence_embedding", ModelOutput::kSequenceVector, 36},
      {"sequence-logits", "logits", ModelOutput::kSequenceLogits, 3},
      {"token-logits", "logits", ModelOutput::kTokenLogits, 5},
  };
  for (const Case& with : cases) {
    SCOPED_TRACE(with.directory + " " + with.name);
    const auto model = load(with.directory);
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->columns(with.output), with.columns);
    EXPECT_EQ(model->info().hidden_size, 36);
    EXPECT_EQ(model->info().vocabulary_size, 97);
    EXPECT_EQ(model->info().max_tokens, 64);
    EXPECT_EQ(model->info().weights_dtype, "F32");
    expect_reference(*model, OnnxReference(with.directory), with);
  }
}

TEST_F(OnnxModelTest, GivesOnlyTheOutputsThatTheFileHas) {
  const auto hidden = load("hidden-states");
  ASSERT_NE(hidden, nullptr);
  // It has a pooler_output, which is no sentence's vector beside hidden states.
  EXPECT_EQ(hidden->columns(ModelOutput::kSequenceVector), 0);
  EXPECT_EQ(hidden->columns(ModelOutput::kSequenceLogits), 0);
  EXPECT_EQ(load("token-logits")->columns(ModelOutput::kSequenceLogits), 0);
  EXPECT_EQ(load("sequence-logits")->columns(ModelOutput::kTokenLogits), 0);
  EXPECT_EQ(load("token-logits")->info().type_vocabulary_size, 0);  // the file has no such input
}

TEST_F(OnnxModelTest, ReadsWeightsOutOfAFileBesideIt) {
  const auto model = load("external-data");
  ASSERT_NE(model, nullptr);
  EXPECT_GT(model->info().file_bytes, 140'000U);
  expect_reference(*model, OnnxReference("hidden-states"),
                   {"external-data", "last_hidden_state", ModelOutput::kHiddenStates, 36});
}

TEST_F(OnnxModelTest, DynamicallyQuantisedFilesAnswerTheSameInABatch) {
  const auto model = load("dynamic-int8");
  ASSERT_NE(model, nullptr);
  const OnnxReference reference("dynamic-int8");
  const std::vector<int> order = {7, 0, 5, 6, 2, 3, 8};
  std::vector<float> alone;
  for (const int i : order) {
    const auto one = run_onnx(*model, reference.batch({i}), ModelOutput::kHiddenStates);
    alone.insert(alone.end(), one.begin(), one.end());
    // Values that fall between two steps of the scale are rounded to either by different engines, layer after layer.
    EXPECT_LT(relative_difference(one, reference.output(i, "last_hidden_state")), 0.1) << i;
  }
  EXPECT_EQ(run_onnx(*model, reference.batch(order), ModelOutput::kHiddenStates), alone);
}

TEST_F(OnnxModelTest, SeveralThreadsMayRun) {
  const auto model = load("hidden-states");
  ASSERT_NE(model, nullptr);
  const OnnxReference reference("hidden-states");
  std::vector<double> differences(4, 1e9);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < differences.size(); ++t) {
      threads.emplace_back([&, t] {
        const int sequence = 4 + static_cast<int>(t);
        differences[t] = relative_difference(run_onnx(*model, reference.batch({sequence}), ModelOutput::kHiddenStates),
                                             reference.output(sequence, "last_hidden_state"));
      });
    }
  }
  EXPECT_THAT(differences, testing::Each(testing::Lt(kTolerance)));
}

class BadOnnxTest : public OnnxModelTest {
 protected:
  // A copy of tests/onnx/bad with one file as model.onnx.
  std::string directory_with(const std::string& file) {
    const std::string path = testing::TempDir() + "/vivace-onnx-" + file;
    std::filesystem::create_directories(path);
    std::filesystem::copy_file(onnx_path("bad/config.json"), path + "/config.json",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(onnx_path("bad/" + file + ".onnx"), path + "/model.onnx",
                               std::filesystem::copy_options::overwrite_existing);
    return path;
  }
  static Status error_of(const std::string& path) {
    const auto model = load_onnx_directory(path);
    EXPECT_FALSE(model.has_value());
    return model ? Status{} : model.error();
  }
};

TEST_F(BadOnnxTest, UnknownInputsAndOutputsAreRefusedByName) {
  const std::pair<std::string, std::string> cases[] = {
      {"pixels", "'pixel_values' (f32 [?, 3, 8, 8]) is unknown"},
      {"float-ids", "'attention_mask' (f32 [?, ?]) must be int64"},
      {"fixed-length", "'input_ids' (i64 [?, 16])"},
      {"unknown-output", "'start_logits' (f32 [?, ?, 4])"},
  };
  for (const auto& [file, message] : cases) {
    const Status status = error_of(directory_with(file));
    EXPECT_EQ(status.code, StatusCode::kUnsupported) << file;
    EXPECT_THAT(status.message, HasSubstr(message));
  }
  EXPECT_TRUE(load_onnx_directory(directory_with("good")).has_value());
}

TEST_F(BadOnnxTest, ConfigurationThatContradictsTheFile) {
  const std::string path = directory_with("good");
  const auto error_with = [&](const std::string& config) {
    std::ofstream(path + "/config.json") << config;
    return error_of(path).message;
  };
  EXPECT_THAT(error_with(R"({"model_type": "bert", "vocab_size": 97, "hidden_size": 5})"),
              HasSubstr("'last_hidden_state' is 4, but config.json says 5"));
  EXPECT_THAT(error_with(R"({"model_type": "bert", "vocab_size": 98, "hidden_size": 4})"),
              HasSubstr("the vocabulary is 97, but config.json says 98"));
  EXPECT_THAT(error_with(R"({"model_type": "bert", "vocab_size": 97})"), HasSubstr("hidden_size"));
  EXPECT_THAT(error_with(R"({"model_type": "bert", "vocab_size": -1, "hidden_size": 4})"), HasSubstr("vocab_size"));
}

TEST_F(BadOnnxTest, AFileThatTheEngineCannotReadIsAnErrorOfOneLine) {
  const std::string path = directory_with("no-ids");
  const Status status = error_of(path);
  EXPECT_EQ(status.code, StatusCode::kUnsupported);
  EXPECT_THAT(status.message, HasSubstr(path));
  EXPECT_THAT(status.message, testing::Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace vivace
