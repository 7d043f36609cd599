#include "runtime/model_registry.h"

#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::HasSubstr;

class QuietEngine final : public Engine {
 public:
  explicit QuietEngine(std::atomic<int>* drained) : m_drained(drained) {}
  Result<void> warm_up() override { return {}; }
  void submit_call(AnyCall call) override { std::get<Call<EmbedRequest>>(call).done(EmbedResponse{}); }
  void drain() override { m_drained->fetch_add(1); }
  const ModelInfo& info() const override { return m_info; }
  const EngineStats& stats() const override { return m_stats; }
  const Tokenizer& tokenizer() const override { std::abort(); }

 private:
  std::atomic<int>* m_drained;
  ModelInfo m_info;
  EngineStats m_stats;
};

class ModelRegistryTest : public ::testing::Test {
 protected:
  // Directories named "broken" fail; others load once m_open was opened.
  ModelRegistry::Loader loader() {
    return [this, opened = m_open.get_future().share()](const std::string& directory,
                                                        const EngineOptions& options) -> Result<ServedModel> {
      opened.wait();
      if (directory == "broken") return error(StatusCode::kCorruptFile, "broken/model.safetensors is too short");
      m_threads = options.pool->threads();
      return std::make_unique<QuietEngine>(&m_drained);
    };
  }
  void load(ModelRegistry* models) {
    std::promise<void> done;
    models->start([&] { done.set_value(); });
    m_open.set_value();
    done.get_future().wait();
  }

  std::promise<void> m_open;
  std::atomic<int> m_drained{0};
  std::atomic<int> m_threads{0};
};

TEST_F(ModelRegistryTest, UnavailableUntilLoaded) {
  ModelRegistry models({{"a", "dir"}}, {.pool = nullptr, .threads = 2, .isa = {}}, loader());
  EXPECT_EQ(models.find("a").error().code, StatusCode::kUnavailable);
  EXPECT_EQ(models.snapshot()[0].state, ModelState::kLoading);
  EXPECT_FALSE(models.all_ready());
  load(&models);
  EXPECT_TRUE(models.find("a"));
  EXPECT_TRUE(models.all_ready());
  EXPECT_EQ(m_threads, 2);
}

TEST_F(ModelRegistryTest, FirstModelIsTheDefault) {
  ModelRegistry models({{"a", "dir"}, {"b", "dir"}}, {.pool = nullptr, .threads = 1, .isa = {}}, loader());
  load(&models);
  EXPECT_EQ(models.default_name(), "a");
  EXPECT_EQ(models.find("")->get(), models.find("a")->get());
  EXPECT_NE(models.find("a")->get(), models.find("b")->get());
  const auto unknown = models.find("c");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, StatusCode::kNotFound);
  EXPECT_THAT(unknown.error().message, HasSubstr("'c'"));
}

TEST_F(ModelRegistryTest, ShowsAModelByItsNameAndItsRole) {
  ModelRegistry models({{"a", "dir"}, {.name = "b", .directory = "other", .role = "judge"}},
                       {.pool = nullptr, .threads = 1, .isa = {}}, loader());
  EXPECT_EQ(models.snapshot("b")->spec.directory, "other");
  EXPECT_EQ(models.snapshot("judge")->spec.name, "b");
  EXPECT_EQ(models.snapshot("a")->state, ModelState::kLoading);
  EXPECT_FALSE(models.snapshot("c"));
  EXPECT_FALSE(models.snapshot(""));
  load(&models);
  EXPECT_EQ(models.snapshot("a")->state, ModelState::kReady);
}

TEST_F(ModelRegistryTest, OneFailureLeavesTheOthers) {
  ModelRegistry models({{"a", "broken"}, {"b", "dir"}}, {.pool = nullptr, .threads = 1, .isa = {}}, loader());
  load(&models);
  const auto failed = models.find("a");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(failed.error().message, HasSubstr("broken/model.safetensors is too short"));
  EXPECT_TRUE(models.find("b"));
  EXPECT_FALSE(models.all_ready());
  EXPECT_FALSE(models.all_failed());
}

TEST_F(ModelRegistryTest, KnowsWhenAllFailed) {
  ModelRegistry models({{"a", "broken"}}, {.pool = nullptr, .threads = 1, .isa = {}}, loader());
  EXPECT_FALSE(models.all_failed());
  load(&models);
  EXPECT_TRUE(models.all_failed());
}

TEST_F(ModelRegistryTest, DrainsEveryEngine) {
  ModelRegistry models({{"a", "dir"}, {"b", "dir"}}, {.pool = nullptr, .threads = 1, .isa = {}}, loader());
  load(&models);
  models.drain();
  EXPECT_EQ(m_drained, 2);
}

TEST_F(ModelRegistryTest, ModelThatIsReadyTooLateStaysUnavailable) {
  ModelRegistry models({{"a", "dir"}}, {.pool = nullptr, .threads = 1, .isa = {}}, loader());
  std::promise<void> done;
  models.start([&] { done.set_value(); });
  models.drain();
  m_open.set_value();
  done.get_future().wait();
  EXPECT_EQ(models.find("a").error().code, StatusCode::kUnavailable);
}

TEST(ModelRegistryKinds, HoldsWhatTheDirectoriesHold) {
  const std::string golden = VIVACE_SOURCE_DIR "/tests/golden/";
  ModelRegistry models({{"writer", golden + "t5-relu"}, {"reader", golden + "tiny-bert"}},
                       {.pool = nullptr, .threads = 1, .isa = {}});
  EXPECT_EQ(models.default_name(), "reader");
  EXPECT_EQ(models.default_name(ModelKind::kGenerator), "writer");
  std::promise<void> done;
  models.start([&] { done.set_value(); });
  done.get_future().wait();
  ASSERT_TRUE(models.all_ready());

  EXPECT_TRUE(models.find("reader"));
  EXPECT_EQ(models.find("")->get(), models.find("reader")->get());
  const auto writer = models.find_generator("writer");
  ASSERT_TRUE(writer);
  EXPECT_EQ((*writer)->info().model.architecture, "t5");
  EXPECT_EQ(models.find_generator("")->get(), writer->get());

  EXPECT_EQ(models.find("writer").error().code, StatusCode::kUnsupported);
  EXPECT_EQ(models.find_generator("reader").error().code, StatusCode::kUnsupported);
  EXPECT_THAT(models.find("writer").error().message, HasSubstr("'writer' writes text"));
}

TEST(CheckModelDirectory, NamesTheModel) {
  const auto checked = check_model_directory({"a", "/nonexistent"});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, StatusCode::kNotFound);
  EXPECT_THAT(checked.error().message, HasSubstr("model 'a'"));
}

}  // namespace
}  // namespace vivace
