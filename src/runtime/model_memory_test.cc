// The registry: memory budget, eviction, lazy loads, unloading, breakers, other configurations.
#include "runtime/model_memory.h"

#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process_memory.h"
#include "runtime/guarded_engine.h"
#include "runtime/model_registry.h"

namespace vivace {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMega = size_t{1} << 20;

// An engine that weighs what its directory's name says and answers, or fails, at once.
class WeighedEngine final : public Engine {
 public:
  WeighedEngine(size_t bytes, std::atomic<StatusCode>* outcome) : m_outcome(outcome), m_weights(bytes, 'w') {
    m_info.packed_bytes = bytes;
    m_info.hidden_size = 1;
  }
  Result<void> warm_up() override { return {}; }
  void submit_call(AnyCall call) override {
    auto& embed = std::get<Call<EmbedRequest>>(call);
    if (m_outcome == nullptr || *m_outcome == StatusCode::kInvalidArgument) return embed.done(EmbedResponse{});
    embed.done(error(*m_outcome, "as the test wished"));
  }
  void drain() override {}
  const ModelInfo& info() const override { return m_info; }
  const EngineStats& stats() const override { return m_stats; }
  const Tokenizer& tokenizer() const override { std::abort(); }

 private:
  std::atomic<StatusCode>* m_outcome;
  std::vector<char> m_weights;
  ModelInfo m_info;
  EngineStats m_stats;
};

class RuntimeTest : public ::testing::Test {
 protected:
  // Directories are sizes in MiB; "0" is broken until m_mended.
  ModelRegistry::Loader loader() {
    return [this](const std::string& directory, const EngineOptions&) -> Result<ServedModel> {
      ++m_loads;
      if (directory == "0" && !m_mended) return error(StatusCode::kCorruptFile, "the file is too short");
      return std::make_unique<WeighedEngine>(std::stoul(directory) * kMega, &m_outcome);
    };
  }
  static Result<ModelMemory> size_of(const std::string& directory, const EngineOptions&) {
    return ModelMemory{.weights = std::stoul(directory) * kMega, .activations = 0};
  }
  std::unique_ptr<ModelRegistry> start(std::vector<ModelSpec> specs, RegistryOptions options) {
    options.engine.threads = 1;
    options.engine.max_batch_tokens = 1;
    auto models = std::make_unique<ModelRegistry>(std::move(specs), std::move(options), loader(), size_of);
    std::promise<void> done;
    models->start([&] { done.set_value(); });
    done.get_future().wait();
    return models;
  }
  static Result<void> load(ModelRegistry& models, const std::string& name) {
    std::promise<Result<void>> done;
    models.load(name, [&](Result<void> outcome) { done.set_value(std::move(outcome)); });
    return done.get_future().get();
  }
  static Result<void> unload(ModelRegistry& models, const std::string& name) {
    std::promise<Result<void>> done;
    models.unload(name, [&](Result<void> outcome) { done.set_value(std::move(outcome)); });
    return done.get_future().get();
  }
  static RegistryOptions lazily(size_t budget_bytes = 0) {
    return {.engine = {}, .policy = LoadPolicy::kWhenAsked, .budget_bytes = budget_bytes, .breaker = {}};
  }

  std::atomic<int> m_loads{0};
  std::atomic<bool> m_mended{false};
  std::atomic<StatusCode> m_outcome{StatusCode::kInvalidArgument};  // all is well
};

TEST_F(RuntimeTest, C000_04_LoadsWhenFirstAskedFor) {
  const auto models = start({{"a", "1"}, {"b", "1"}}, lazily());
  EXPECT_EQ(m_loads, 0);
  EXPECT_TRUE(models->all_ready());
  EXPECT_FALSE(models->is_loaded("a"));
  EXPECT_EQ(models->find("a").error().code, StatusCode::kUnavailable);
  std::promise<void> settled;
  models->when_settled("a", ModelKind::kEncoder, [&](const Result<void>& outcome) {
    EXPECT_TRUE(outcome);
    settled.set_value();
  });
  settled.get_future().wait();
  EXPECT_TRUE(models->find("a"));
  EXPECT_EQ(m_loads, 1);
  EXPECT_FALSE(models->is_loaded("b"));
}

TEST_F(RuntimeTest, C000_05_OneLoadHoweverManyAsk) {
  const auto models = start({{"a", "1"}}, lazily());
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      EXPECT_TRUE(load(*models, "a"));
      EXPECT_TRUE(models->find("a"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(m_loads, 1);
  const ModelSnapshot model = models->snapshot()[0];
  EXPECT_EQ(model.loads, 1U);
  EXPECT_GE(model.uses, 16U);
  EXPECT_GE(model.load_ms, 0);
}

TEST_F(RuntimeTest, C002_10_LeastRecentlyUsedMakesRoom) {
  const auto models = start({{"a", "4"}, {"b", "4"}, {"c", "4"}}, lazily(10 * kMega));
  ASSERT_TRUE(load(*models, "a"));
  ASSERT_TRUE(load(*models, "b"));
  EXPECT_TRUE(models->find("a"));  // b is the idle one that was used longest ago
  ASSERT_TRUE(load(*models, "c"));
  EXPECT_TRUE(models->is_loaded("a"));
  EXPECT_FALSE(models->is_loaded("b"));
  EXPECT_TRUE(models->is_loaded("c"));
  EXPECT_EQ(models->snapshot()[1].evictions, 1U);
  EXPECT_LE(models->used_bytes(), models->budget_bytes());
}

TEST_F(RuntimeTest, NeverEvictsWhatIsInUse) {
  const auto models = start({{"a", "4"}, {"b", "4"}}, lazily(6 * kMega));
  ASSERT_TRUE(load(*models, "a"));
  EXPECT_EQ(models->busy_bytes(), 0U);
  const auto held = models->find("a");
  EXPECT_EQ(models->busy_bytes(), models->used_bytes());
  const auto refused = load(*models, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("in use"));
  EXPECT_TRUE(models->is_loaded("a"));
  EXPECT_EQ(m_loads, 1);  // b was not even tried
}

TEST_F(RuntimeTest, TellsTheNumbersOfWhatCannotFit) {
  const auto models = start({{"a", "20"}}, lazily(10 * kMega));
  const auto refused = load(*models, "a");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("needs 20.0 MiB"));
  EXPECT_THAT(refused.error().message, HasSubstr("budget of 10.0 MiB"));
  EXPECT_EQ(m_loads, 0);
}

TEST_F(RuntimeTest, AtStartNothingIsEvicted) {
  RegistryOptions options = lazily(6 * kMega);
  options.policy = LoadPolicy::kAtStart;
  const auto models = start({{"a", "4"}, {"b", "4"}}, options);
  EXPECT_TRUE(models->is_loaded("a"));
  EXPECT_EQ(models->snapshot()[1].state, ModelState::kUnloaded);
  EXPECT_TRUE(models->all_ready());
}

TEST_F(RuntimeTest, UnloadedStaysAwayUntilItIsLoaded) {
  const auto models = start({{"a", "1"}}, lazily());
  ASSERT_TRUE(load(*models, "a"));
  ASSERT_TRUE(unload(*models, "a"));
  const auto away = models->find("a");
  ASSERT_FALSE(away);
  EXPECT_THAT(away.error().message, HasSubstr("/v1/models/a/load"));
  EXPECT_EQ(m_loads, 1);
  ASSERT_TRUE(load(*models, "a"));
  EXPECT_TRUE(models->find("a"));
  EXPECT_EQ(load(*models, "x").error().code, StatusCode::kNotFound);
  EXPECT_EQ(unload(*models, "x").error().code, StatusCode::kNotFound);
}

TEST_F(RuntimeTest, UnloadingReturnsMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep what is freed";
#endif
  const auto models = start({{"a", "200"}}, lazily());
  ASSERT_TRUE(load(*models, "a"));
  const size_t loaded = resident_bytes();
  ASSERT_TRUE(unload(*models, "a"));
  EXPECT_LT(resident_bytes() + 150 * kMega, loaded);
}

TEST_F(RuntimeTest, FailedLoadIsTriedAgain) {
  RegistryOptions options = lazily();
  options.first_retry_seconds = 0.01;
  const auto models = start({{"a", "0"}}, options);
  ASSERT_FALSE(load(*models, "a"));
  EXPECT_EQ(models->snapshot()[0].state, ModelState::kFailed);
  m_mended = true;
  while (!models->find("a")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(models->snapshot()[0].failure.message, "");
}

TEST_F(RuntimeTest, RefusalsTellWhenToTryAgain) {
  RegistryOptions options = lazily();
  options.first_retry_seconds = 20;
  const auto models = start({{"bad", "0"}, {"good", "1"}}, options);
  ASSERT_FALSE(load(*models, "bad"));
  const Status failed = models->find("bad").error();
  EXPECT_THAT(failed.message, HasSubstr("the next try is in 20 s"));
  EXPECT_EQ(failed.retry_after_seconds, 20);
  ASSERT_TRUE(load(*models, "good"));
  ASSERT_TRUE(unload(*models, "good"));
  EXPECT_EQ(models->find("good").error().retry_after_seconds, kRetryAfterAPersonSeconds);
}

TEST_F(RuntimeTest, ALoadThatGetsNoMemoryIsRefused) {
  const ModelRegistry::Loader greedy = [this](const std::string& directory, const EngineOptions& options) {
    if (!m_mended && directory == "2") throw std::bad_alloc();
    return loader()(directory, options);
  };
  RegistryOptions options = lazily();
  options.engine.threads = 1;
  ModelRegistry models({{"a", "1"}, {"b", "2"}}, options, greedy, size_of);
  models.start();
  ASSERT_TRUE(load(models, "a"));
  const auto refused = load(models, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("no more memory"));
  EXPECT_TRUE(models.find("a"));
  m_mended = true;
  EXPECT_TRUE(load(models, "b"));
}

TEST_F(RuntimeTest, ReconfiguresWithoutDroppingAHolder) {
  const auto models = start({{"a", "1"}, {"b", "2"}}, lazily());
  ASSERT_TRUE(load(*models, "a"));
  const auto held = models->find("a");
  ASSERT_TRUE(held);
  models->reconfigure({{"a", "3"}, {"c", "4"}});
  EXPECT_TRUE(models->find("a"));  // the old one serves until the new one is there
  std::promise<void> settled;
  models->when_settled("a", ModelKind::kEncoder, [&](const Result<void>&) { settled.set_value(); });
  settled.get_future().wait();
  EXPECT_EQ((*models->find("a"))->info().packed_bytes, 3 * kMega);
  EXPECT_EQ((*held)->info().packed_bytes, kMega);
  EXPECT_TRUE((*held)->embed({}));
  EXPECT_EQ(models->find("b").error().code, StatusCode::kNotFound);
  EXPECT_EQ(models->snapshot()[1].spec.name, "c");
}

TEST_F(RuntimeTest, C002_13_BreakerOpensAndRefuses) {
  const auto models = start({{"a", "1"}}, lazily());
  ASSERT_TRUE(load(*models, "a"));
  const auto engine = models->find("a");
  m_outcome = StatusCode::kOverloaded;  // says nothing about the model
  for (int i = 0; i < 20; ++i) EXPECT_FALSE((*engine)->embed({}));
  EXPECT_EQ(models->snapshot()[0].breaker.state, BreakerState::kClosed);
  m_outcome = StatusCode::kInternal;
  for (int i = 0; i < 5; ++i) EXPECT_EQ((*engine)->embed({}).error().code, StatusCode::kInternal);
  EXPECT_EQ(models->snapshot()[0].breaker.state, BreakerState::kOpen);
  m_outcome = StatusCode::kInvalidArgument;
  EXPECT_EQ((*engine)->embed({}).error().code, StatusCode::kUnavailable);
  EXPECT_EQ(models->snapshot()[0].breaker.refused, 1U);
}

TEST_F(RuntimeTest, OnlyLatenessWithEnoughTimeIsAFailure) {
  RegistryOptions options = lazily();
  options.slow_seconds = 10;
  const auto models = start({{"a", "1"}}, options);
  ASSERT_TRUE(load(*models, "a"));
  const auto engine = models->find("a");
  m_outcome = StatusCode::kDeadlineExceeded;
  EmbedRequest hurried;
  hurried.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE((*engine)->embed(hurried));
  EXPECT_EQ(models->snapshot()[0].breaker.state, BreakerState::kClosed);
  EmbedRequest patient;
  patient.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE((*engine)->embed(patient));
  EXPECT_EQ(models->snapshot()[0].breaker.state, BreakerState::kOpen);
}

TEST(ModelMemoryTest, EstimatesBeforeLoading) {
  const std::string directory = VIVACE_SOURCE_DIR "/tests/golden/tiny-bert";
  EngineOptions options;
  options.pool = std::make_shared<ThreadPool>(1);
  const auto estimate = estimate_model_memory(directory, options);
  ASSERT_TRUE(estimate);
  const auto model = load_served_model(directory, options);
  ASSERT_TRUE(model);
  EXPECT_GE(estimate->weights, model->info().packed_bytes);
  EXPECT_GT(measure_model_memory(*model, options).activations, 0U);
  EXPECT_FALSE(estimate_model_memory("/nonexistent", options));
}

// An encoder stands in each NUMA node's memory, what writes text in one.
TEST(ModelMemoryTest, CountsTheReplicas) {
  EngineOptions options;
  options.pool = std::make_shared<ThreadPool>(1);
  EngineOptions two = options;
  two.further_pools = {std::make_shared<ThreadPool>(1)};
  for (const auto& [name, times] : {std::pair{"tiny-bert", 2U}, {"t5-relu", 1U}}) {
    const std::string directory = std::string(VIVACE_SOURCE_DIR "/tests/golden/") + name;
    const auto alone = estimate_model_memory(directory, options);
    const auto replicated = estimate_model_memory(directory, two);
    const auto model = load_served_model(directory, two);
    ASSERT_TRUE(alone && replicated && model) << name;
    EXPECT_EQ(replicated->total(), times * alone->total()) << name;
    EXPECT_GE(replicated->total(), measure_model_memory(*model, two).total()) << name;
  }
}

TEST(ModelMemoryTest, DefaultBudgetAndText) {
  EXPECT_GT(default_memory_budget(), 64 * kMega);
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(3 * kMega / 2), "1.5 MiB");
}

}  // namespace
}  // namespace vivace
