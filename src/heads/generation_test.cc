// Generated ids against transformers' generate() on the T5 goldens, interruption, stopping and bad options.
#include "heads/generation.h"

#include <algorithm>
#include <cstring>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "formats/safetensors.h"
#include "kernels/registry.h"
#include "models/packed_batch.h"

namespace vivace {
namespace {

using Rows = std::vector<std::vector<int32_t>>;

std::string golden(const std::string& name) {
  return std::string(VIVACE_SOURCE_DIR "/tests/golden/") + name;
}

class Golden {
 public:
  Golden(const std::string& name, const KernelTable& table) : m_kernels(table) {
    const auto directory = ModelDirectory::open(golden(name));
    CHECK(directory.has_value());
    auto model = load_encoder_decoder(*directory, table);
    CHECK(model.has_value());
    m_model = std::move(*model);
    auto tokens = read_generation_tokens(*directory, m_model->info().encoder.vocabulary_size);
    CHECK(tokens.has_value());
    m_tokens = *tokens;
    auto file = MappedFile::open(golden(name) + "/reference.safetensors");
    CHECK(file.has_value());
    const auto tensors = parse_safetensors(file->bytes(), "reference.safetensors");
    CHECK(tensors.has_value());
    for (const auto& [key, view] : *tensors) {
      if (key == "prompts" || key.starts_with("generated.")) m_rows[key] = rows(view);
    }
  }

  std::vector<GeneratedSequence> generate(const std::vector<int32_t>& prompt, const GenerationOptions& options,
                                          const GenerationHooks& hooks = {}) {
    const ExecutionContext context{&m_kernels, &m_pool, m_arenas};
    return vivace::generate({*m_model, read(prompt), prompt, m_tokens, options, hooks}, context);
  }

  Rows ids(const std::vector<int32_t>& prompt, const GenerationOptions& options) {
    Rows found;
    for (const auto& sequence : generate(prompt, options)) found.push_back(sequence.ids);
    return found;
  }

  // Guessed tokens that were right.
  uint64_t accepted(const std::vector<int32_t>& prompt, const GenerationOptions& options) {
    const auto generation = begin_generation({*m_model, read(prompt), prompt, m_tokens, options, {}});
    std::vector<float> logits;
    while (!generation->finished()) {
      std::vector<DecoderStep> steps;
      generation->propose(8, &steps);
      decode(steps, &logits);
      generation->take(view(&logits));
    }
    return generation->stats().accepted;
  }

  // Greedy, without end, feeding all that was written to a new state for each token.
  std::vector<int32_t> ids_without_cache(const std::vector<int32_t>& prompt, int count) {
    const EncodedSource source = read(prompt);
    std::vector<int32_t> ids{m_tokens.start};
    std::vector<float> logits;
    while (static_cast<int>(ids.size()) <= count) {
      DecoderState state = m_model->start(source);
      const DecoderStep step{&state, ids};
      decode({&step, 1}, &logits);
      const MatrixView<float> rows = view(&logits);
      float* last = rows.row(rows.rows - 1);
      for (const int32_t end : m_tokens.ends) last[end] = -1e30F;
      ids.push_back(static_cast<int32_t>(std::max_element(last, last + rows.columns) - last));
    }
    return {ids.begin() + 1, ids.end()};
  }

  const Rows& prompts() const { return m_rows.at("prompts"); }
  const Rows& expected(const std::string& setting) const { return m_rows.at("generated." + setting); }

 private:
  EncodedSource read(const std::vector<int32_t>& prompt) {
    for (Arena& arena : m_arenas) arena.reset();
    const ExecutionContext context{&m_kernels, &m_pool, m_arenas};
    PackedBatch batch;
    batch.append(prompt, {});
    return m_model->encode(context, {batch.ids, batch.positions, batch.type_ids, batch.offsets}, nullptr)[0];
  }

  void decode(std::span<const DecoderStep> steps, std::vector<float>* logits) {
    const auto vocabulary = static_cast<size_t>(m_model->info().encoder.vocabulary_size);
    logits->resize(static_cast<size_t>(count_rows(steps)) * vocabulary);
    m_model->decode({&m_kernels, &m_pool, m_arenas}, steps, view(logits), nullptr);
  }

  MatrixView<float> view(std::vector<float>* logits) const {
    const int vocabulary = m_model->info().encoder.vocabulary_size;
    return {logits->data(), static_cast<int>(logits->size()) / vocabulary, vocabulary, vocabulary};
  }

  // A table of ids whose rows are filled up with -1.
  static Rows rows(const TensorView& view) {
    Rows found(static_cast<size_t>(view.shape[0]));
    const auto columns = static_cast<size_t>(view.shape[1]);
    for (size_t i = 0; i < found.size(); ++i) {
      found[i].resize(columns);
      std::memcpy(found[i].data(), view.data + i * columns * sizeof(int32_t), columns * sizeof(int32_t));
      std::erase(found[i], -1);
    }
    return found;
  }

  const KernelTable& m_kernels;
  std::unique_ptr<const EncoderDecoder> m_model;
  GenerationTokens m_tokens;
  std::map<std::string, Rows> m_rows;
  ThreadPool m_pool{2};
  std::vector<Arena> m_arenas{2};
};

GenerationOptions settings(const std::string& name) {
  GenerationOptions options;
  options.max_new_tokens = 24;
  if (name == "beam") options.num_beams = 4;
  if (name == "greedy-repetition") {
    options.repetition_penalty = 1.7;
    options.min_new_tokens = 5;
  } else if (name == "beam-returns") {
    options.num_beams = 5;
    options.num_return_sequences = 3;
    options.length_penalty = 2;
    options.early_stopping = EarlyStopping::kFull;
  } else if (name == "beam-short") {
    options.num_beams = 3;
    options.num_return_sequences = 2;
    options.length_penalty = -1;
    options.repetition_penalty = 1.3;
  } else if (name == "beam-never") {
    options.num_beams = 2;
    options.early_stopping = EarlyStopping::kNever;
    options.length_penalty = 0.7;
    options.min_new_tokens = 4;
  }
  return options;
}

class GenerationGoldenTest : public testing::TestWithParam<size_t> {};

TEST_P(GenerationGoldenTest, WritesTheIdsOfTransformers) {
  const KernelTableEntry& entry = kernel_tables()[GetParam()];
  if (!entry.supported()) GTEST_SKIP() << "this CPU cannot run " << entry.table->name;
  for (const char* name : {"t5-relu", "t5-gated"}) {
    Golden model(name, *entry.table);
    ASSERT_GE(model.prompts().size(), 50U);
    for (const char* setting : {"greedy", "beam", "greedy-repetition", "beam-returns", "beam-short", "beam-never"}) {
      const Rows& expected = model.expected(setting);
      const GenerationOptions options = settings(setting);
      const size_t prompts = expected.size() / static_cast<size_t>(options.num_return_sequences);
      ASSERT_GE(prompts, 16U);
      Rows got;
      for (size_t i = 0; i < prompts; ++i) {
        for (auto& ids : model.ids(model.prompts()[i], options)) got.push_back(std::move(ids));
      }
      EXPECT_EQ(got, expected) << name << " " << setting;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, GenerationGoldenTest, testing::Range(size_t{0}, kernel_tables().size()),
                         [](const auto& table) { return std::string(kernel_tables()[table.param].table->name); });

// Each prompt of the goldens, greedy: guessed tokens change no id, and neither does the cache.
TEST(SpeculationTest, GuessesChangeNoId) {
  int drafts_used = 0;
  for (const char* name : {"t5-relu", "t5-gated"}) {
    Golden model(name, kernel_table_generic);
    for (const std::vector<int32_t>& prompt : model.prompts()) {
      for (const double penalty : {1.0, 1.5}) {
        GenerationOptions options{.max_new_tokens = 60, .min_new_tokens = 30, .repetition_penalty = penalty};
        const Rows guessed = model.ids(prompt, options);
        drafts_used += model.accepted(prompt, options) > 0 ? 1 : 0;
        options.speculate = false;
        EXPECT_EQ(model.ids(prompt, options), guessed);
        EXPECT_EQ(model.accepted(prompt, options), 0U);
      }
    }
  }
  EXPECT_GT(drafts_used, 20) << "the test would show nothing";
}

TEST(CacheTest, C002_04_WithoutTheCacheTheIdsAreTheSame) {
  for (const char* name : {"t5-relu", "t5-gated"}) {
    Golden model(name, kernel_table_generic);
    for (const std::vector<int32_t>& prompt : model.prompts()) {
      const std::vector<int32_t> cached = model.ids(prompt, {.max_new_tokens = 12, .min_new_tokens = 12})[0];
      EXPECT_EQ(model.ids_without_cache(prompt, 12), cached);
    }
  }
}

class GenerationTest : public testing::Test {
 protected:
  Golden m_model{"t5-relu", kernel_table_generic};
  const std::vector<int32_t>& m_prompt = m_model.prompts()[0];
};

TEST_F(GenerationTest, SamplingIsSeededAndSequencesDiffer) {
  GenerationOptions options{.max_new_tokens = 20, .temperature = 1.5, .seed = 7, .num_return_sequences = 6};
  const Rows first = m_model.ids(m_prompt, options);
  EXPECT_EQ(m_model.ids(m_prompt, options), first);
  ASSERT_EQ(first.size(), 6U);
  EXPECT_NE(first[0], first[1]);
  // A sequence does not depend on how many are written beside it.
  options.num_return_sequences = 2;
  EXPECT_EQ(m_model.ids(m_prompt, options), Rows(first.begin(), first.begin() + 2));
  options.seed = 8;
  EXPECT_NE(m_model.ids(m_prompt, options), Rows(first.begin(), first.begin() + 2));
}

TEST_F(GenerationTest, OneCandidateIsGreedy) {
  const Rows greedy = m_model.ids(m_prompt, {.max_new_tokens = 24});
  EXPECT_EQ(m_model.ids(m_prompt, {.max_new_tokens = 24, .temperature = 3, .top_k = 1}), greedy);
  EXPECT_EQ(m_model.ids(m_prompt, {.max_new_tokens = 24, .temperature = 3, .top_p = 1e-9}), greedy);
}

TEST_F(GenerationTest, InterruptionKeepsWhatIsWritten) {
  for (const int beams : {1, 3}) {
    int steps = 0;
    GenerationHooks hooks;
    hooks.interrupt = [&]() -> std::optional<FinishReason> {
      return steps++ == 4 ? std::optional(FinishReason::kDeadline) : std::nullopt;
    };
    const auto found = m_model.generate(
        m_prompt, {.max_new_tokens = 24, .min_new_tokens = 20, .num_beams = beams, .speculate = false}, hooks);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].reason, FinishReason::kDeadline);
    EXPECT_EQ(found[0].ids.size(), 4U) << beams;
  }
}

TEST_F(GenerationTest, TokensAreToldOneByOneAndStopTestEndsTheSequence) {
  GenerationHooks hooks;
  std::vector<std::vector<int32_t>> told;
  hooks.token = [&](int sequence, std::span<const int32_t> ids) {
    EXPECT_EQ(sequence, 0);
    told.emplace_back(ids.begin(), ids.end());
  };
  hooks.stop = [](std::span<const int32_t> ids) { return ids.size() == 3; };
  const auto found = m_model.generate(m_prompt, {.max_new_tokens = 24, .min_new_tokens = 20}, hooks);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[2], found[0].ids);
  EXPECT_EQ(told[0], std::vector<int32_t>({found[0].ids[0]}));
  EXPECT_EQ(found[0].reason, FinishReason::kStop);
  const auto beams = m_model.generate(m_prompt, {.max_new_tokens = 24, .min_new_tokens = 20, .num_beams = 3}, hooks);
  EXPECT_EQ(beams[0].ids.size(), 3U);
  EXPECT_EQ(beams[0].reason, FinishReason::kStop);
}

struct BadOptions {
  GenerationOptions options;
  const char* message;
};

TEST(GenerationOptionsTest, BadValuesAreRefused) {
  const BadOptions cases[] = {
      {{.max_new_tokens = 0}, "max_new_tokens must be from 1 to 95"},
      {{.max_new_tokens = 96}, "max_new_tokens"},
      {{.max_new_tokens = 5, .min_new_tokens = 6}, "min_new_tokens"},
      {{.max_new_tokens = 5, .temperature = -1}, "temperature"},
      {{.max_new_tokens = 5, .temperature = NAN}, "temperature"},
      {{.max_new_tokens = 5, .temperature = 1, .top_k = -1}, "top_k"},
      {{.max_new_tokens = 5, .top_k = 5}, "give a temperature"},
      {{.max_new_tokens = 5, .temperature = 1, .top_p = 0}, "top_p"},
      {{.max_new_tokens = 5, .temperature = 1, .top_p = 1.5}, "top_p"},
      {{.max_new_tokens = 5, .repetition_penalty = 0}, "repetition_penalty"},
      {{.max_new_tokens = 5, .num_beams = 0}, "num_beams"},
      {{.max_new_tokens = 5, .num_beams = 65}, "num_beams"},
      {{.max_new_tokens = 5, .temperature = 1, .num_beams = 2}, "exclude each other"},
      {{.max_new_tokens = 5, .num_beams = 2, .num_return_sequences = 3}, "not be more than num_beams"},
      {{.max_new_tokens = 5, .num_return_sequences = 3}, "all would be the same"},
      {{.max_new_tokens = 5, .num_beams = 2, .length_penalty = INFINITY}, "length_penalty"},
  };
  for (const BadOptions& bad : cases) {
    const auto checked = check_generation_options(bad.options, 96);
    ASSERT_FALSE(checked.has_value()) << bad.message;
    EXPECT_EQ(checked.error().code, StatusCode::kInvalidArgument);
    EXPECT_THAT(checked.error().message, testing::HasSubstr(bad.message));
  }
  EXPECT_TRUE(check_generation_options({.max_new_tokens = 95}, 96).has_value());
}

}  // namespace
}  // namespace vivace
