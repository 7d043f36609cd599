#include "models/golden_testing.h"

#include <cctype>
#include <cmath>
#include <optional>

#include "kernels/registry.h"
#include "models/batch_forward.h"

namespace vivace {
namespace {

struct Loaded {
  Loaded(const KernelTable* table, std::unique_ptr<const Encoder> model, GoldenReference expected)
      : kernels(table), encoder(std::move(model)), reference(std::move(expected)) {}
  const KernelTable* kernels;
  std::unique_ptr<const Encoder> encoder;
  GoldenReference reference;
};

void load(const GoldenCase& golden, std::optional<Loaded>* loaded) {
  const KernelTableEntry& entry = kernel_tables()[golden.table];
  if (!entry.supported()) GTEST_SKIP() << "this CPU cannot run " << entry.table->name;
  const auto directory = ModelDirectory::open(golden_path(golden.directory));
  ASSERT_TRUE(directory.has_value()) << directory.error().message;
  auto encoder = load_encoder(*directory, *entry.table);
  ASSERT_TRUE(encoder.has_value()) << encoder.error().message;
  GoldenReference reference = read_golden_reference(golden_path(golden.directory) + "/reference.safetensors");
  ASSERT_GT(reference.inputs(), 0);
  loaded->emplace(entry.table, std::move(*encoder), std::move(reference));
}

// Hidden states of a batch on `threads` threads.
std::vector<float> forward(const Loaded& loaded, const PackedBatch& batch, int threads) {
  ThreadPool pool(threads);
  ForwardWorkspace workspace(threads);
  const auto hidden = forward_batch(*loaded.encoder, *loaded.kernels, batch, pool, workspace);
  return {hidden.data, hidden.data + static_cast<ptrdiff_t>(hidden.rows) * hidden.columns};
}

TEST_P(EncoderGoldenTest, EveryLayerEqualsTransformers) {
  std::optional<Loaded> golden;
  load(GetParam(), &golden);
  if (!golden.has_value()) return;  // skipped, or failed with a message
  const Loaded& loaded = *golden;
  std::vector<Arena> arenas(1);
  double worst = 0;
  for (int input = 0; input < loaded.reference.inputs(); ++input) {
    PackedBatch batch;
    batch.append(loaded.reference.ids(input), {});
    int seen = 0;
    const LayerObserver observer = [&](int layer, MatrixView<const float> hidden) {
      const std::vector<float> got(hidden.data, hidden.data + static_cast<ptrdiff_t>(hidden.rows) * hidden.columns);
      const double off = golden_difference(got, loaded.reference.hidden(input, layer));
      EXPECT_LE(off, 1e-5) << "input " << input << " of " << batch.tokens() << " tokens, layer " << layer;
      worst = std::max(worst, off);
      ++seen;
    };
    const auto out = arenas[0].matrix(batch.tokens(), loaded.encoder->info().hidden_size);
    loaded.encoder->forward({loaded.kernels, nullptr, arenas},
                            {batch.ids, batch.positions, batch.type_ids, batch.offsets}, out, &observer);
    EXPECT_EQ(seen, loaded.encoder->info().layers + 1);
    arenas[0].reset();
  }
  RecordProperty("worst", std::to_string(worst));
}

// The same bits alone, in a ragged batch, in another order, and on 1, 2 or 3 threads.
TEST_P(EncoderGoldenTest, BatchOrderAndThreadsChangeNoBit) {
  std::optional<Loaded> golden;
  load(GetParam(), &golden);
  if (!golden.has_value()) return;  // skipped, or failed with a message
  const Loaded& loaded = *golden;
  const int inputs = loaded.reference.inputs();
  std::vector<std::vector<float>> alone;
  for (int input = 0; input < inputs; ++input) {
    PackedBatch batch;
    batch.append(loaded.reference.ids(input), {});
    alone.push_back(forward(loaded, batch, 1));
    ASSERT_EQ(alone.back(), forward(loaded, batch, 2)) << "input " << input << " on two threads";
  }
  for (const int threads : {1, 2, 3}) {
    for (const int step : {1, 5, 7}) {
      PackedBatch batch;
      std::vector<float> expected;
      for (int i = 0; i < inputs; ++i) {
        const int input = i * step % inputs;
        batch.append(loaded.reference.ids(input), {});
        const auto& hidden = alone[static_cast<size_t>(input)];
        expected.insert(expected.end(), hidden.begin(), hidden.end());
      }
      ASSERT_EQ(forward(loaded, batch, threads), expected) << threads << " threads, order " << step;
    }
  }
}

}  // namespace

GoldenReference read_golden_reference(const std::string& path) {
  auto file = MappedFile::open(path);
  CHECK(file.has_value());
  auto tensors = parse_safetensors(file->bytes(), "reference.safetensors");
  CHECK(tensors.has_value());
  return {std::move(*file), std::move(*tensors)};
}

double golden_difference(const std::vector<float>& got, const std::vector<float>& expected) {
  if (got.size() != expected.size()) return INFINITY;
  double largest = 0;
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    const double off = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    worst = off <= worst ? worst : off;  // keeps not-a-number
  }
  return worst / largest;
}

double golden_cosine(const std::vector<float>& got, const std::vector<float>& expected) {
  double product = 0;
  double lengths[2] = {};
  for (size_t i = 0; i < got.size(); ++i) {
    product += static_cast<double>(got[i]) * static_cast<double>(expected[i]);
    lengths[0] += static_cast<double>(got[i]) * static_cast<double>(got[i]);
    lengths[1] += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  return product / std::sqrt(lengths[0] * lengths[1]);
}

testing::internal::ParamGenerator<GoldenCase> golden_cases(const std::vector<std::string>& directories) {
  std::vector<GoldenCase> cases;
  for (const auto& directory : directories) {
    for (size_t table = 0; table < kernel_tables().size(); ++table) cases.push_back({directory, table});
  }
  return testing::ValuesIn(cases);
}

std::string golden_case_name(const testing::TestParamInfo<GoldenCase>& info) {
  std::string name = info.param.directory + "_" + kernel_tables()[info.param.table].table->name;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

std::string golden_path(const std::string& directory) {
  return std::string(VIVACE_SOURCE_DIR "/tests/golden/") + directory;
}

}  // namespace vivace
