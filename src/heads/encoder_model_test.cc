// Every head on every kernel table against transformers' logits of the checkpoints in tests/golden/heads, and the same
// bits whatever stands beside a sequence and however many threads work.
#include "heads/encoder_model.h"

#include <cctype>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "formats/safetensors.h"
#include "kernels/registry.h"

namespace vivace {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kHeads = VIVACE_SOURCE_DIR "/tests/golden/heads";

struct Input {
  std::vector<int32_t> ids;
  std::vector<int32_t> types;
  std::vector<int32_t> marked;
  std::vector<float> logits;
};

template <typename T>
std::vector<T> values(const std::map<std::string, TensorView, std::less<>>& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return {};
  std::vector<T> copy(static_cast<size_t>(found->second.shape.elements()));
  std::memcpy(copy.data(), found->second.data, found->second.bytes());
  return copy;
}

std::vector<Input> read_inputs(const fs::path& directory) {
  const auto file = MappedFile::open(directory / "reference.safetensors");
  CHECK(file.has_value());
  const auto tensors = parse_safetensors(file->bytes(), "reference.safetensors");
  CHECK(tensors.has_value());
  std::vector<Input> inputs;
  for (int i = 0; tensors->contains("ids." + std::to_string(i)); ++i) {
    const std::string n = std::to_string(i);
    inputs.push_back({values<int32_t>(*tensors, "ids." + n), values<int32_t>(*tensors, "type_ids." + n),
                      values<int32_t>(*tensors, "marked." + n), values<float>(*tensors, "logits." + n)});
  }
  return inputs;
}

ModelOutput output_of(ModelTask task) {
  if (task == ModelTask::kSequenceClassification) return ModelOutput::kSequenceLogits;
  return task == ModelTask::kTokenClassification ? ModelOutput::kTokenLogits : ModelOutput::kMarkedLogits;
}

std::vector<float> run(const Model& model, ModelOutput output, const std::vector<Input>& inputs, int threads) {
  PackedBatch batch;
  for (const Input& input : inputs) {
    for (const int32_t mark : input.marked) batch.marked.push_back(batch.tokens() + mark);
    batch.append(input.ids, input.types);
  }
  ThreadPool pool(threads);
  ForwardWorkspace workspace(threads);
  const auto rows = model.run(batch, output, pool, workspace);
  CHECK(rows.has_value());
  return {rows->data, rows->data + static_cast<ptrdiff_t>(rows->rows) * rows->columns};
}

struct Case {
  std::string directory;
  size_t table;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& entry : fs::directory_iterator(kHeads)) {
    if (!fs::exists(entry.path() / "reference.safetensors")) continue;
    for (size_t table = 0; table < kernel_tables().size(); ++table) all.push_back({entry.path().filename(), table});
  }
  return all;
}

class HeadGoldenTest : public testing::TestWithParam<Case> {};

TEST_P(HeadGoldenTest, LogitsEqualTransformersAndNoBitDependsOnTheBatch) {
  const KernelTableEntry& entry = kernel_tables()[GetParam().table];
  if (!entry.supported()) GTEST_SKIP() << "this CPU cannot run " << entry.table->name;
  const fs::path path = kHeads / GetParam().directory;
  const auto directory = ModelDirectory::open(path);
  ASSERT_TRUE(directory) << directory.error().message;
  const auto model = load_encoder_model(*directory, *entry.table);
  ASSERT_TRUE(model) << model.error().message;
  const ModelOutput output = output_of(directory->task().task);
  const std::vector<Input> inputs = read_inputs(path);
  ASSERT_GE(inputs.size(), 5U);
  std::vector<float> alone;
  for (const Input& input : inputs) {
    const std::vector<float> got = run(**model, output, {input}, 1);
    ASSERT_EQ(got.size(), input.logits.size());
    float largest = 0;
    for (const float logit : input.logits) largest = std::max(largest, std::abs(logit));
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], input.logits[i], 1e-4 * std::max(1.0F, largest));
    alone.insert(alone.end(), got.begin(), got.end());
  }
  for (const int threads : {1, 2, 3}) EXPECT_EQ(run(**model, output, inputs, threads), alone) << threads << " threads";
}

std::string case_name(const testing::TestParamInfo<Case>& golden) {
  std::string name = golden.param.directory + "_" + kernel_tables()[golden.param.table].table->name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) == 0 ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Heads, HeadGoldenTest, testing::ValuesIn(cases()), case_name);

// A golden directory with a changed config.json.
class HeadErrorTest : public testing::Test {
 protected:
  std::string error_of(const std::string& golden, const std::string& from, const std::string& to) {
    const fs::path copy = fs::path(testing::TempDir()) / "vivace_head_error";
    fs::remove_all(copy);
    fs::copy(kHeads / golden, copy, fs::copy_options::recursive);
    std::ifstream in(copy / "config.json");
    std::string config((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const size_t at = config.find(from);
    EXPECT_NE(at, std::string::npos) << config;
    if (at != std::string::npos) config.replace(at, from.size(), to);
    std::ofstream(copy / "config.json") << config;
    const auto directory = ModelDirectory::open(copy);
    if (!directory) return directory.error().message;
    const auto model = load_encoder_model(*directory, *kernel_tables().back().table);
    return model ? "no error" : model.error().message;
  }
};

TEST_F(HeadErrorTest, TellsWhatDoesNotFit) {
  EXPECT_THAT(error_of("bert-moods", "\"0\": \"joy\",", ""), HasSubstr("2 labels, but none for number 0"));
  EXPECT_THAT(error_of("bert-moods", "\"2\": \"LABEL_2\"", "\"2\": \"b\", \"3\": \"c\""),
              HasSubstr("config.json names 4 labels, but the head's 'classifier.weight' has 3 rows"));
  EXPECT_THAT(error_of("bert-moods", "ForSequenceClassification", "ForMaskedLM"),
              HasSubstr("'cls.predictions.transform.dense.weight' is missing"));
  EXPECT_THAT(
      error_of("bert-fill", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"),
      HasSubstr("no output weights: 'cls.predictions.decoder.weight' is missing and tie_word_embeddings is false"));
  EXPECT_THAT(error_of("modernbert-moods", "\"classifier_pooling\": \"cls\"", "\"classifier_pooling\": \"max\""),
              HasSubstr("classifier_pooling 'max' is unknown; known: cls, mean"));
}

}  // namespace
}  // namespace vivace
