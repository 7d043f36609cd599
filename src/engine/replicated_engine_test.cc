// A model on several NUMA nodes, simulated: pools of their own on this machine's CPUs, one replica on each.
#include "engine/replicated_engine.h"

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/check.h"
#include "base/cpu_topology.h"
#include "engine/generator.h"
#include "engine/model_packing.h"

namespace vivace {
namespace {

const std::string kTinyBert = VIVACE_SOURCE_DIR "/tests/golden/tiny-bert";
const std::string kTinyT5 = VIVACE_SOURCE_DIR "/tests/golden/t5-relu";

// As make_pools() would on a machine of two nodes, the first and the last CPU.
EngineOptions on_two_nodes() {
  const std::vector<int> cpus = read_cpu_limits().allowed_cpus;
  EngineOptions options;
  options.precision = Precision::kF32;
  options.pool = std::make_shared<ThreadPool>(2, std::vector{cpus.front()});
  options.further_pools = {std::make_shared<ThreadPool>(1, std::vector{cpus.back()})};
  return options;
}

std::unique_ptr<Engine> load(const std::string& directory, const EngineOptions& options) {
  auto engine = Engine::load(directory, options);
  CHECK(engine.has_value());
  return std::move(*engine);
}

EmbedRequest request_of(std::vector<std::string> texts) {
  EmbedRequest request;
  request.texts = std::move(texts);
  return request;
}

TEST(ReplicatedEngineTest, AnswersAsOneModelWould) {
  EngineOptions options;
  options.threads = 2;
  options.precision = Precision::kF32;
  const auto alone = load(kTinyBert, options);
  const auto replicated = load(kTinyBert, on_two_nodes());
  ASSERT_TRUE(replicated->warm_up());
  EXPECT_EQ(replicated->info().threads, 3);
  EXPECT_EQ(replicated->info().packed_bytes, 2 * alone->info().packed_bytes);
  EXPECT_EQ(replicated->info().architecture, "bert");
  const std::vector<std::string> texts = {"after", "ist mar won", "fe six un has an su"};
  const auto expected = alone->embed(request_of(texts));
  for (int i = 0; i < 4; ++i) {
    const auto found = replicated->embed(request_of(texts));
    ASSERT_TRUE(found) << found.error().message;
    for (size_t text = 0; text < texts.size(); ++text) {
      EXPECT_EQ(found->embeddings[text].values, expected->embeddings[text].values);
    }
  }
  EXPECT_EQ(replicated->stats().requests_succeeded.value(), 4U);  // no warm-ups
}

// While one replica has texts to answer, the other gets what comes.
TEST(ReplicatedEngineTest, BothReplicasWork) {
  const auto engine = load(kTinyBert, on_two_nodes());
  std::mutex mutex;
  std::set<std::thread::id> answering;
  std::vector<std::future<void>> answered;
  for (int i = 0; i < 40; ++i) {
    const auto promise = std::make_shared<std::promise<void>>();
    answered.push_back(promise->get_future());
    engine->submit(request_of(std::vector<std::string>(20, "fe six un has an su")),
                   [promise, &mutex, &answering](const Result<EmbedResponse>& response) {
                     EXPECT_TRUE(response.has_value());
                     {
                       const std::scoped_lock lock(mutex);
                       answering.insert(std::this_thread::get_id());
                     }
                     promise->set_value();
                   });
  }
  for (auto& one : answered) one.get();
  EXPECT_EQ(answering.size(), 2U);
  EXPECT_EQ(engine->stats().queued_texts.value(), 0);
  EXPECT_EQ(engine->stats().queued_tokens.value(), 0);
}

TEST(ReplicatedEngineTest, TheQueueIsSharedOut) {
  EngineOptions options = on_two_nodes();
  options.max_queued_texts = 2;
  options.max_batch_tokens = 8;
  const auto engine = load(kTinyBert, options);
  std::atomic<int> refused{0};
  std::atomic<int> answered{0};
  for (int i = 0; i < 500; ++i) {
    engine->submit(request_of({"ist mar won"}), [&](const Result<EmbedResponse>& response) {
      if (!response) refused += response.error().code == StatusCode::kOverloaded ? 1 : 1000;
      ++answered;
    });
  }
  engine->drain();
  EXPECT_EQ(answered, 500);
  EXPECT_LT(refused, 500);
  const auto late = engine->embed(request_of({"after"}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, StatusCode::kUnavailable);
}

TEST(ReplicatedEngineTest, APackedModelIsCopiedToEachNode) {
  const std::string path = testing::TempDir() + "/replicated.packed";
  ASSERT_TRUE(pack_model({.directory = kTinyBert,
                          .isa = {},
                          .precision = Precision::kF32,
                          .output = path,
                          .texts = {},
                          .calibration = {},
                          .threads = 1}));
  const auto packed = load(path, on_two_nodes());
  const auto expected = load(kTinyBert, on_two_nodes())->embed(request_of({"ist mar won"}));
  std::filesystem::remove(path);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(packed->embed(request_of({"ist mar won"}))->embeddings[0].values, expected->embeddings[0].values);
  }
}

TEST(ReplicatedEngineTest, AModelThatWritesTextTakesTheFirstNode) {
  const auto generator = Generator::load(kTinyT5, on_two_nodes());
  ASSERT_TRUE(generator) << generator.error().message;
  EXPECT_EQ((*generator)->info().model.threads, 2);
  ASSERT_TRUE((*generator)->warm_up());
}

}  // namespace
}  // namespace vivace
