#include "models/t5.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <gmock/gmock.h>

#include "formats/formats_testing.h"
#include "kernels/registry.h"
#include "models/golden_testing.h"
#include "models/t5_config.h"
#include "models/weight_loading.h"

namespace vivace {
namespace {

INSTANTIATE_TEST_SUITE_P(T5, EncoderGoldenTest, golden_cases({"t5-encoder", "t5-relu", "t5-gated", "t5-silu"}),
                         golden_case_name);

struct Loaded {
  const KernelTable* kernels;
  std::unique_ptr<const EncoderDecoder> model;
  GoldenReference reference;
};

class T5GoldenTest : public testing::TestWithParam<GoldenCase> {
 protected:
  void SetUp() override {
    const KernelTableEntry& entry = kernel_tables()[GetParam().table];
    if (!entry.supported()) GTEST_SKIP() << "this CPU cannot run " << entry.table->name;
    load(Precision::kF32);
  }

  void load(Precision precision) {
    const KernelTableEntry& entry = kernel_tables()[GetParam().table];
    const auto directory = ModelDirectory::open(golden_path(GetParam().directory));
    ASSERT_TRUE(directory.has_value()) << directory.error().message;
    auto model = load_encoder_decoder(*directory, {*entry.table, precision});
    ASSERT_TRUE(model.has_value()) << model.error().message;
    m_loaded = std::make_unique<Loaded>(
        Loaded{entry.table, std::move(*model),
               read_golden_reference(golden_path(GetParam().directory) + "/reference.safetensors")});
  }

  // The logits of all target tokens of an input, in one step.
  std::vector<float> logits_of(const ExecutionContext& where, int input) const {
    DecoderState state = model().start(encode(where, input));
    const std::vector<int32_t> ids = target(input);
    const DecoderStep step{&state, ids};
    return decode(where, {&step, 1});
  }

  const GoldenReference& reference() const { return m_loaded->reference; }
  const EncoderDecoder& model() const { return *m_loaded->model; }
  std::vector<int32_t> target(int input) const {
    return reference().values<int32_t>("target." + std::to_string(input));
  }

  struct Threads {
    explicit Threads(int count) : pool(count), arenas(static_cast<size_t>(count)) {}
    ThreadPool pool;
    std::vector<Arena> arenas;
  };
  ExecutionContext context(Threads& threads) const { return {m_loaded->kernels, &threads.pool, threads.arenas}; }

  // Sources of all inputs in one batch.
  std::vector<EncodedSource> encode_all(const ExecutionContext& where) const {
    PackedBatch batch;
    for (int i = 0; i < reference().inputs(); ++i) batch.append(reference().ids(i), {});
    return model().encode(where, {batch.ids, batch.positions, batch.type_ids, batch.offsets}, nullptr);
  }
  EncodedSource encode(const ExecutionContext& where, int input) const {
    PackedBatch batch;
    batch.append(reference().ids(input), {});
    return model().encode(where, {batch.ids, batch.positions, batch.type_ids, batch.offsets}, nullptr)[0];
  }

  std::vector<float> decode(const ExecutionContext& where, std::span<const DecoderStep> steps,
                            const LayerObserver* observer = nullptr) const {
    size_t rows = 0;
    for (const DecoderStep& step : steps) rows += step.ids.size();
    const int vocabulary = model().info().encoder.vocabulary_size;
    std::vector<float> logits(rows * static_cast<size_t>(vocabulary));
    model().decode(where, steps, {logits.data(), static_cast<int>(rows), vocabulary, vocabulary}, observer);
    return logits;
  }

  void expect_steps_and_batches_to_change_no_bit() const;

 private:
  std::unique_ptr<Loaded> m_loaded;
};

TEST_P(T5GoldenTest, EveryDecoderLayerAndTheLogitsEqualTransformers) {
  Threads threads(1);
  const ExecutionContext where = context(threads);
  for (int input = 0; input < reference().inputs(); ++input) {
    DecoderState state = model().start(encode(where, input));
    const std::vector<int32_t> ids = target(input);
    const DecoderStep step{&state, ids};
    int seen = 0;
    const LayerObserver observer = [&](int layer, MatrixView<const float> hidden) {
      const std::vector<float> got(hidden.data, hidden.data + static_cast<ptrdiff_t>(hidden.rows) * hidden.columns);
      const std::string name = "decoder." + std::to_string(input) + "." + std::to_string(layer);
      EXPECT_LE(golden_difference(got, reference().values<float>(name)), 1e-5) << name;
      ++seen;
    };
    const std::vector<float> logits = decode(where, {&step, 1}, &observer);
    EXPECT_EQ(seen, model().info().decoder_layers + 1);
    EXPECT_LE(golden_difference(logits, reference().values<float>("logits." + std::to_string(input))), 1e-5) << input;
  }
}

// The same bits token by token from the cache, several at a time, all at once, after going back, and beside the other
// inputs, on any number of threads.
void T5GoldenTest::expect_steps_and_batches_to_change_no_bit() const {
  Threads one(1);
  std::vector<std::vector<float>> at_once;
  for (int input = 0; input < reference().inputs(); ++input) {
    DecoderState state = model().start(encode(context(one), input));
    const std::vector<int32_t> ids = target(input);
    const DecoderStep step{&state, ids};
    at_once.push_back(decode(context(one), {&step, 1}));
    state.past.truncate(static_cast<int>(ids.size()) / 2);
    const DecoderStep again{&state, std::span(ids).subspan(ids.size() / 2)};
    const std::vector<float> tail = decode(context(one), {&again, 1});
    ASSERT_TRUE(std::equal(tail.rbegin(), tail.rend(), at_once.back().rbegin())) << "gone back, input " << input;
  }
  for (const int threads : {1, 2, 3}) {
    for (const size_t stride : {size_t{1}, size_t{5}}) {
      Threads some(threads);
      const std::vector<EncodedSource> sources = encode_all(context(some));
      std::vector<DecoderState> states;
      for (const EncodedSource& source : sources) states.push_back(model().start(source));
      std::vector<std::vector<float>> got(states.size());
      for (size_t first = 0; first < 96; first += stride) {
        std::vector<std::vector<int32_t>> ids;
        std::vector<size_t> fed;
        for (size_t i = 0; i < states.size(); ++i) {
          const std::vector<int32_t> all = target(static_cast<int>(i));
          if (first >= all.size()) continue;
          fed.push_back(i);
          const size_t count = std::min(stride, all.size() - first);
          ids.emplace_back(all.begin() + static_cast<ptrdiff_t>(first),
                           all.begin() + static_cast<ptrdiff_t>(first + count));
        }
        std::vector<DecoderStep> steps;
        for (size_t i = 0; i < fed.size(); ++i) steps.push_back({&states[fed[i]], ids[i]});
        const std::vector<float> logits = decode(context(some), steps);
        auto next = logits.begin();
        for (size_t i = 0; i < fed.size(); ++i) {
          const auto count = static_cast<ptrdiff_t>(ids[i].size()) * model().info().encoder.vocabulary_size;
          got[fed[i]].insert(got[fed[i]].end(), next, next + count);
          next += count;
        }
      }
      ASSERT_EQ(got, at_once) << threads << " threads, " << stride << " tokens a step";
    }
  }
}

TEST_P(T5GoldenTest, CacheStepsAndBatchChangeNoBit) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8, Precision::kInt4}) {
    SCOPED_TRACE(precision_name(precision));
    load(precision);
    expect_steps_and_batches_to_change_no_bit();
  }
}

// These models are small and random: nothing evens out over their 36 channels. int4 has a sixteenth of int8's steps,
// and no more than two groups in a row.
TEST_P(T5GoldenTest, LogitsOfEachPrecisionAreNearFp32) {
  const std::pair<Precision, double> lowest[] = {
      {Precision::kBf16, 0.999}, {Precision::kInt8, 0.98}, {Precision::kInt4, 0.9}};
  Threads threads(1);
  std::vector<std::vector<float>> exact;
  for (int input = 0; input < reference().inputs(); ++input) exact.push_back(logits_of(context(threads), input));
  std::vector<std::vector<float>> seen = {exact[0]};
  for (const auto& [precision, limit] : lowest) {
    load(precision);
    for (int input = 0; input < reference().inputs(); ++input) {
      const std::vector<float> got = logits_of(context(threads), input);
      EXPECT_GE(golden_cosine(got, exact[static_cast<size_t>(input)]), limit)
          << precision_name(precision) << " " << input;
    }
    seen.push_back(logits_of(context(threads), 0));
    EXPECT_EQ(std::ranges::count(seen, seen.back()), 1) << precision_name(precision) << " computes as another";
  }
}

INSTANTIATE_TEST_SUITE_P(T5, T5GoldenTest, golden_cases({"t5-relu", "t5-gated", "t5-silu"}), golden_case_name);

TEST(T5BucketTest, EqualsTransformersForAllDistances) {
  for (const char* name : {"t5-encoder", "t5-relu", "t5-gated", "t5-silu"}) {
    const auto directory = ModelDirectory::open(golden_path(name));
    ASSERT_TRUE(directory.has_value());
    const auto config = read_t5_config(directory->config());
    ASSERT_TRUE(config.has_value());
    const auto expected =
        read_golden_reference(golden_path(name) + "/reference.safetensors").values<int32_t>("buckets");
    std::vector<int32_t> got;
    for (const T5Direction direction : {T5Direction::kBoth, T5Direction::kCausal}) {
      for (int distance = -1000; distance <= 1000; ++distance) {
        got.push_back(t5_bucket(config->buckets, direction, distance));
      }
    }
    EXPECT_EQ(got, expected) << name;
  }
}

// The message of loading a golden whose checkpoint has one tensor under another name.
std::string error_without_tensor(const std::string& golden, const std::string& tensor) {
  const std::string directory = make_test_directory();
  for (const char* const name : {"config.json", "generation_config.json", "model.safetensors"}) {
    std::filesystem::copy_file(golden_path(golden) + "/" + name, directory + "/" + name);
  }
  std::fstream file(directory + "/model.safetensors", std::ios::binary | std::ios::in | std::ios::out);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const size_t found = bytes.find("\"" + tensor + "\"");
  EXPECT_NE(found, std::string::npos) << tensor;
  file.clear();
  file.seekp(static_cast<std::streamoff>(found + 1));
  file.put('x');
  file.close();
  const auto model = load_encoder_decoder(*ModelDirectory::open(directory), *kernel_tables()[0].table);
  return model.has_value() ? "loaded" : model.error().message;
}

TEST(T5Test, MissingWordsAndOutputMatricesAreNamed) {
  EXPECT_THAT(error_without_tensor("t5-relu", "shared.weight"), testing::HasSubstr("'shared.weight' is missing"));
  EXPECT_THAT(error_without_tensor("t5-gated", "shared.weight"), testing::HasSubstr("'shared.weight' is missing"));
  EXPECT_THAT(error_without_tensor("t5-gated", "lm_head.weight"), testing::HasSubstr("'lm_head.weight' is missing"));
}

TEST(T5Test, TheCopyOfTheOutputMatrixIsCounted) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8, Precision::kInt4}) {
    const LoadTarget target(*select_kernel_table("generic").value(), precision);
    const auto files = open_weights(golden_path("t5-gated"), target);
    ASSERT_TRUE(files.has_value());
    WeightLoader loader(*files);
    LayerLoader load(loader, target);
    const Linear layer = load.linear(loader.root(), {"lm_head"}, 36, 89, LayerBias::kNone);
    const size_t parameters = load.parameters();
    const Shortlist shortlist = load.shortlist(loader.root(), "lm_head", layer);
    EXPECT_EQ(shortlist.empty(), target.is_quantized());
    EXPECT_EQ(load.packed_bytes(), layer.bytes() + shortlist.bytes());
    EXPECT_EQ(load.parameters(), parameters);
    // A byte for each weight, scale and offset of each column, in panels of 16, and two norms of each word.
    if (!shortlist.empty()) {
      EXPECT_GE(shortlist.bytes(), 96U * (36 + 8) + 89 * 8);
    }
  }
}

TEST(KeyValueCacheTest, KeepsRowsWhileItGrowsIsCutAndCopied) {
  KeyValueCache cache(3, 4);
  const auto fill = [&](KeyValueCache& target, int token, float value) {
    for (int layer = 0; layer < 3; ++layer) {
      std::ranges::fill(std::span(target.rows(layer, token, token + 1).data, 4), value + static_cast<float>(layer));
    }
  };
  for (int token = 0; token < 100; ++token) {
    cache.extend(1);
    fill(cache, token, static_cast<float>(10 * token));
  }
  const size_t bytes = cache.capacity_bytes();
  EXPECT_LE(bytes, 3 * 4 * sizeof(float) * 2 * 100);
  cache.truncate(60);
  KeyValueCache copy(3, 4);
  copy.copy_from(cache);
  copy.extend(1);
  fill(copy, 60, -1);
  EXPECT_EQ(cache.tokens(), 60);
  EXPECT_EQ(copy.tokens(), 61);
  for (int layer = 0; layer < 3; ++layer) {
    for (int token = 0; token < 60; ++token) {
      EXPECT_EQ(copy.all_rows(layer).row(token)[3], static_cast<float>(10 * token + layer));
      EXPECT_EQ(cache.all_rows(layer).row(token)[0], static_cast<float>(10 * token + layer));
    }
  }
  EXPECT_EQ(cache.capacity_bytes(), bytes);
}

}  // namespace
}  // namespace vivace
