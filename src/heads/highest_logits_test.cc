// Greedy decoding computes only the logits that may be the highest: the ids are those of all logits.
#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "heads/generation.h"
#include "kernels/registry.h"
#include "models/packed_batch.h"

namespace vivace {
namespace {

// Another model's logits: all of them, whatever is asked for, or as they are, counting what is left out.
class WatchedModel final : public EncoderDecoder {
 public:
  enum class Logits : uint8_t { kWhole, kAsAsked };
  WatchedModel(const EncoderDecoder& model, Logits logits) : m_model(model), m_logits(logits) {}
  const EncoderDecoderInfo& info() const override { return m_model.info(); }
  std::vector<EncodedSource> encode(const ExecutionContext& context, const BatchSlice& sources,
                                    const LayerObserver* observer) const override {
    return m_model.encode(context, sources, observer);
  }
  DecoderState start(EncodedSource source) const override { return m_model.start(std::move(source)); }
  void decode(const ExecutionContext& context, std::span<const DecoderStep> steps, MatrixView<float> logits,
              const LayerObserver* observer) const override {
    std::vector<DecoderStep> changed(steps.begin(), steps.end());
    for (DecoderStep& step : changed) {
      if (m_logits == Logits::kWhole) step.use = LogitUse::kAll;
    }
    m_model.decode(context, changed, logits, observer);
    for (int row = 0; row < logits.rows; ++row) {
      m_left_out += std::count_if(logits.row(row), logits.row(row) + logits.columns,
                                  [](float logit) { return std::isinf(logit); });
    }
  }
  ptrdiff_t left_out() const { return m_left_out; }

 private:
  const EncoderDecoder& m_model;
  const Logits m_logits;
  mutable ptrdiff_t m_left_out = 0;
};

std::vector<std::vector<int32_t>> random_prompts(size_t count, int vocabulary) {
  std::mt19937 random(11);
  std::vector<std::vector<int32_t>> prompts(count);
  for (auto& prompt : prompts) {
    prompt.resize(1 + random() % 30);
    // Few different ones: repetitions are what speculation guesses.
    const unsigned letters = 2 + static_cast<unsigned>(random() % static_cast<unsigned>(vocabulary - 2));
    for (int32_t& id : prompt) id = static_cast<int32_t>(random() % letters);
  }
  return prompts;
}

class HighestLogitsTest : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    const KernelTableEntry& entry = kernel_tables()[GetParam()];
    if (!entry.supported()) GTEST_SKIP() << "this CPU cannot run " << entry.table->name;
    m_kernels = entry.table;
  }

  void load(const std::string& golden, Precision precision) {
    const auto directory = ModelDirectory::open(VIVACE_SOURCE_DIR "/tests/golden/" + golden);
    ASSERT_TRUE(directory.has_value());
    auto model = load_encoder_decoder(*directory, {*m_kernels, precision});
    ASSERT_TRUE(model.has_value()) << model.error().message;
    m_model = std::move(*model);
    m_tokens = *read_generation_tokens(*directory, m_model->info().encoder.vocabulary_size);
  }

  std::vector<int32_t> ids(const EncoderDecoder& model, const std::vector<int32_t>& prompt,
                           const GenerationOptions& options) {
    for (Arena& arena : m_arenas) arena.reset();
    const ExecutionContext context{m_kernels, &m_pool, m_arenas};
    PackedBatch batch;
    batch.append(prompt, {});
    const EncodedSource source =
        model.encode(context, {batch.ids, batch.positions, batch.type_ids, batch.offsets}, nullptr)[0];
    return generate({model, source, prompt, m_tokens, options, {}}, context)[0].ids;
  }

  const KernelTable* m_kernels = nullptr;
  std::unique_ptr<const EncoderDecoder> m_model;
  GenerationTokens m_tokens;
  ThreadPool m_pool{2};
  std::vector<Arena> m_arenas{2};
};

TEST_P(HighestLogitsTest, C002_04_ChangeNoGreedyId) {
  for (const char* golden : {"t5-relu", "t5-gated", "t5-silu"}) {
    for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8, Precision::kInt4}) {
      SCOPED_TRACE(testing::Message() << golden << " " << precision_name(precision));
      load(golden, precision);
      const WatchedModel whole(*m_model, WatchedModel::Logits::kWhole);
      const WatchedModel found(*m_model, WatchedModel::Logits::kAsAsked);
      GenerationOptions options{.max_new_tokens = 20};
      for (const auto& prompt : random_prompts(200, m_model->info().encoder.vocabulary_size)) {
        options.min_new_tokens = 10 - options.min_new_tokens;  // 10 and 0 by turns
        options.speculate = prompt.size() % 3 != 0;
        ASSERT_EQ(ids(found, prompt, options), ids(whole, prompt, options));
      }
      EXPECT_EQ(whole.left_out(), 0);
      // int8's logits, which int4 has too, are what the others are found with.
      EXPECT_EQ(found.left_out() > 0, precision < Precision::kInt8) << "the test would show nothing";
    }
  }
}

// What reads more of the logits than which is the highest gets all of them.
TEST_P(HighestLogitsTest, AreAllThereForPenaltySamplingAndBeams) {
  load("t5-relu", Precision::kF32);
  const WatchedModel found(*m_model, WatchedModel::Logits::kAsAsked);
  for (const GenerationOptions& options : {GenerationOptions{.max_new_tokens = 8, .repetition_penalty = 1.3},
                                           GenerationOptions{.max_new_tokens = 8, .temperature = 1, .top_k = 3},
                                           GenerationOptions{.max_new_tokens = 8, .num_beams = 3}}) {
    ids(found, {5, 6, 7, 8, 5, 6}, options);
    EXPECT_EQ(found.left_out(), 0);
  }
  ids(found, {5, 6, 7, 8, 5, 6}, {.max_new_tokens = 8});
  EXPECT_GT(found.left_out(), 0);
}

// One who needs all logits beside one who does not: both have theirs.
TEST_P(HighestLogitsTest, StepsOfBothKindsInOnePass) {
  load("t5-gated", Precision::kF32);
  const ExecutionContext context{m_kernels, &m_pool, m_arenas};
  PackedBatch batch;
  for (int i = 0; i < 2; ++i) batch.append(std::vector<int32_t>{4, 9, 2, 7}, {});
  const auto sources = m_model->encode(context, {batch.ids, batch.positions, batch.type_ids, batch.offsets}, nullptr);
  const int vocabulary = m_model->info().encoder.vocabulary_size;
  std::vector<float> logits(2 * static_cast<size_t>(vocabulary));
  DecoderState states[2] = {m_model->start(sources[0]), m_model->start(sources[1])};
  const std::vector<int32_t> start = {m_tokens.start};
  const DecoderStep steps[2] = {{&states[0], start, LogitUse::kHighest, {}}, {&states[1], start}};
  m_model->decode(context, steps, {logits.data(), 2, vocabulary, vocabulary}, nullptr);
  EXPECT_TRUE(std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); }));
  EXPECT_TRUE(std::equal(logits.begin(), logits.begin() + vocabulary, logits.begin() + vocabulary));
}

INSTANTIATE_TEST_SUITE_P(Tables, HighestLogitsTest, testing::Range(size_t{0}, kernel_tables().size()),
                         [](const auto& table) { return std::string(kernel_tables()[table.param].table->name); });

}  // namespace
}  // namespace vivace
