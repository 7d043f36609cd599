// What the estimate says before a load against what the engine says after it, for every kind of model there is.
#include "runtime/weight_estimate.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/model_packing.h"
#include "kernels/registry.h"
#include "runtime/served_model.h"

namespace vivace {
namespace {

const std::string kGolden = VIVACE_SOURCE_DIR "/tests/golden/";
const std::string kMiniLm = VIVACE_SOURCE_DIR "/models/all-MiniLM-L6-v2";
constexpr std::array kPrecisions = {Precision::kAuto, Precision::kF32, Precision::kBf16, Precision::kInt8,
                                    Precision::kInt4};

// These models are so small that what the estimate adds for tables of distances could hide a matrix it forgets.
constexpr size_t kUnusedOfSmallTables = size_t{48} << 10;

EngineOptions options_for(Precision precision, std::string_view table = "") {
  EngineOptions options;
  options.pool = std::make_shared<ThreadPool>(1);
  options.precision = precision;
  options.isa = table;
  return options;
}

Result<size_t> estimate(const std::string& path, const EngineOptions& options) {
  ASSIGN_OR_RETURN(const ModelDirectory model, ModelDirectory::open(path));
  return estimate_weight_bytes(model, options);
}

// Of the golden checkpoints those with a tokenizer, which a load needs, and a model of each architecture.
std::vector<std::string> loadable_models() {
  std::vector<std::string> models;
  for (const std::string& folder : {kGolden, kGolden + "heads/"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (std::filesystem::exists(entry.path() / "tokenizer.json")) models.push_back(entry.path());
    }
  }
  std::ranges::sort(models);
  return models;
}

// The engine's figure; 0 when the model cannot be loaded.
size_t loaded_bytes(const std::string& path, const EngineOptions& options) {
  const auto model = load_served_model(path, options);
  return model ? model->info().packed_bytes : 0;
}

TEST(WeightEstimate, C002_08_IsNeverLessThanWhatTheModelTakes) {
  std::set<std::string> architectures;
  for (const std::string& path : loadable_models()) {
    for (const KernelTableEntry& entry : kernel_tables()) {
      if (!entry.supported()) continue;
      for (const Precision precision : kPrecisions) {
        const EngineOptions options = options_for(precision, entry.table->name);
        const size_t taken = loaded_bytes(path, options);
        const auto estimated = estimate(path, options);
        ASSERT_TRUE(estimated) << estimated.error().message;
        EXPECT_GT(taken, 0U) << path;
        EXPECT_GE(*estimated, taken + kUnusedOfSmallTables)
            << path << " " << entry.table->name << " " << precision_name(precision);
      }
    }
    architectures.insert(std::string(ModelDirectory::open(path)->model_type()));
  }
  EXPECT_THAT(architectures, ::testing::IsSupersetOf({"bert", "camembert", "deberta-v2", "distilbert", "modernbert",
                                                      "mpnet", "roberta", "t5", "xlm-roberta"}));
}

TEST(WeightEstimate, FollowsThePrecision) {
  if (!std::filesystem::exists(kMiniLm)) GTEST_SKIP() << kMiniLm << " is missing: run make model";
  std::map<Precision, size_t> estimates;
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    const EngineOptions options = options_for(precision);
    const size_t taken = loaded_bytes(kMiniLm, options);
    estimates[precision] = estimate(kMiniLm, options).value_or(0);
    EXPECT_GE(estimates[precision], taken);
    // Panels of AVX-512 are 64 outputs wide, and the estimate has one too many for each of this model's small matrices.
    EXPECT_LE(estimates[precision], taken + taken / 10) << precision_name(precision);
  }
  // Half of the model is its table of words, which is fp32 in all of them.
  EXPECT_LT(estimates[Precision::kBf16], estimates[Precision::kF32] * 4 / 5);
  EXPECT_LT(estimates[Precision::kInt8], estimates[Precision::kF32] * 7 / 10);
}

TEST(WeightEstimate, OfAPackedModelItIsTheFile) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "weight_estimate";
  std::filesystem::remove_all(folder);
  for (const char* name : {"tiny-bert", "detector-deberta", "t5-code"}) {
    const std::string checkpoint = folder / name;
    std::filesystem::create_directories(checkpoint);
    std::filesystem::copy(kGolden + name, checkpoint, std::filesystem::copy_options::recursive);
    const std::string alone = folder / (std::string(name) + ".packed");
    for (const std::string& output : {std::string(), alone}) {
      PackOptions pack;
      pack.directory = checkpoint;
      pack.precision = Precision::kInt8;
      pack.output = output;
      pack.threads = 1;
      const auto report = pack_model(pack);
      ASSERT_TRUE(report) << report.error().message;
      const EngineOptions options = options_for(Precision::kAuto);
      const std::string& path = output.empty() ? checkpoint : alone;
      const auto estimated = estimate(path, options);
      ASSERT_TRUE(estimated) << estimated.error().message;
      EXPECT_GE(*estimated, report->file_bytes) << path;
      EXPECT_GE(*estimated, loaded_bytes(path, options)) << path;
    }
    // What asks for another precision than the file's reads the checkpoint.
    const EngineOptions exact = options_for(Precision::kF32);
    EXPECT_EQ(estimate(checkpoint, exact).value_or(0), estimate(kGolden + name, exact).value_or(1));
  }
  std::filesystem::remove_all(folder);
}

TEST(WeightEstimate, TellsWhatIsWrong) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "weight_estimate_bare";
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(kGolden + "tiny-bert/config.json", folder / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  const auto bare = estimate(folder, options_for(Precision::kAuto));
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().code, StatusCode::kNotFound);
  EXPECT_FALSE(estimate(kGolden + "tiny-bert", options_for(Precision::kAuto, "abacus")));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vivace
