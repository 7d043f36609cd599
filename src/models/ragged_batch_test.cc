// Batches of 1 to 33 sequences of 1 to 512 tokens against each sequence alone, bit for bit, for every architecture: the
// goldens' checkpoints with room for longer sequences.
#include <filesystem>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "formats/formats_testing.h"
#include "kernels/registry.h"
#include "models/batch_forward.h"
#include "models/golden_testing.h"

namespace vivace {
namespace {

constexpr int kLongest = 512;
constexpr int kPositions = kLongest + 8;  // RoBERTa counts from behind the padding's

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The golden's tensors, its table of positions (if it has one) repeated, each time with other values, to kPositions
// rows.
std::string with_more_positions(const std::string& golden) {
  const GoldenReference checkpoint = read_golden_reference(golden_path(golden) + "/model.safetensors");
  std::string header;
  std::string data;
  for (const auto& [name, view] : checkpoint.tensors) {
    std::vector<char> values(view.bytes());
    std::memcpy(values.data(), view.data, view.bytes());
    std::string shape;
    for (size_t i = 0; i < view.shape.rank(); ++i) shape += fmt::format("{}{}", i == 0 ? "" : ",", view.shape[i]);
    if (name.ends_with("position_embeddings.weight")) {
      const size_t row = view.bytes() / static_cast<size_t>(view.shape[0]);
      const size_t value = row / static_cast<size_t>(view.shape[1]);
      // One value further each time: no two rows are the same.
      while (values.size() < kPositions * row) values.push_back(values[values.size() - view.bytes() + value]);
      shape = fmt::format("{},{}", kPositions, view.shape[1]);
    }
    header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", header.empty() ? "" : ",",
                          name, dtype_name(view.dtype), shape, data.size(), data.size() + values.size());
    data.append(values.begin(), values.end());
  }
  return safetensors_bytes("{" + header + "}", data);
}

std::string stretched_directory(const std::string& golden) {
  const std::string directory = make_test_directory();
  std::string config = read_file(golden_path(golden) + "/config.json");
  for (const char* const key : {"\"max_position_embeddings\"", "\"n_positions\""}) {
    if (const size_t found = config.find(key); found != std::string::npos) config.replace(found, 2, "\"_");
  }
  config.insert(config.find('{') + 1, fmt::format(R"("max_position_embeddings":{0},"n_positions":{0},)", kPositions));
  write_file(directory + "/config.json", config);
  write_file(directory + "/model.safetensors", with_more_positions(golden));
  return directory;
}

class RaggedBatchTest : public testing::TestWithParam<GoldenCase> {};

std::vector<float> run(const Encoder& encoder, const KernelTable& kernels, const PackedBatch& batch, int threads) {
  ThreadPool pool(threads);
  ForwardWorkspace workspace(threads);
  const auto hidden = forward_batch(encoder, kernels, batch, pool, workspace);
  return {hidden.data, hidden.data + static_cast<ptrdiff_t>(hidden.rows) * hidden.columns};
}

TEST_P(RaggedBatchTest, EqualsOneAtATimeBitForBit) {
  const KernelTableEntry& entry = kernel_tables()[GetParam().table];
  if (!entry.supported()) GTEST_SKIP() << "this CPU cannot run " << entry.table->name;
  const auto directory = ModelDirectory::open(stretched_directory(GetParam().directory));
  ASSERT_TRUE(directory.has_value()) << directory.error().message;
  const auto encoder = load_encoder(*directory, *entry.table);
  ASSERT_TRUE(encoder.has_value()) << encoder.error().message;
  ASSERT_GE((*encoder)->info().max_tokens, kLongest);

  std::mt19937 random(7);
  const auto any = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  const int vocabulary = (*encoder)->info().vocabulary_size;
  for (const int sequences : {1, 2, 33}) {
    PackedBatch batch;
    std::vector<float> alone;
    for (int i = 0; i < sequences; ++i) {
      // The shortest and the longest among them, most of them short, as texts are.
      const int length = i == 0 ? kLongest : i == 1 ? 1 : any(1, i % 8 == 0 ? kLongest : 40);
      std::vector<int32_t> ids(static_cast<size_t>(length));
      for (int32_t& id : ids) id = any(0, vocabulary - 1);
      PackedBatch one;
      one.append(ids, {});
      const std::vector<float> hidden = run(**encoder, *entry.table, one, 1);
      alone.insert(alone.end(), hidden.begin(), hidden.end());
      batch.append(ids, {});
    }
    ASSERT_EQ(run(**encoder, *entry.table, batch, 1), alone) << sequences << " sequences";
    ASSERT_EQ(run(**encoder, *entry.table, batch, 2), alone) << sequences << " sequences on two threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, RaggedBatchTest,
                         golden_cases({"tiny-bert", "distilbert", "roberta", "mpnet", "deberta-v2", "deberta-v3",
                                       "deberta-own-keys", "modernbert", "t5-encoder"}),
                         golden_case_name);

}  // namespace
}  // namespace vivace
