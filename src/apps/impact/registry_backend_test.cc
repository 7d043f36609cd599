#include "apps/impact/registry_backend.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>

namespace vivace {
namespace {

using std::chrono::steady_clock;

// Answers [length of the text] and remembers what it was asked within.
class CountingEngine final : public Engine {
 public:
  struct Asked {
    size_t texts;
    std::optional<steady_clock::time_point> deadline;
  };

  explicit CountingEngine(std::vector<Asked>* asked) : m_asked(asked) {}
  Result<void> warm_up() override { return {}; }
  void submit_call(AnyCall call) override {
    auto& [request, done] = std::get<Call<EmbedRequest>>(call);
    m_asked->push_back({request.texts.size(), request.deadline});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EmbedResponse response;
    for (const std::string& text : request.texts) {
      response.embeddings.push_back({.values = {static_cast<float>(text.size())}});
    }
    done(std::move(response));
  }
  void drain() override {}
  const ModelInfo& info() const override { return m_info; }
  const EngineStats& stats() const override { return m_stats; }
  const Tokenizer& tokenizer() const override { std::abort(); }

 private:
  std::vector<Asked>* m_asked;
  ModelInfo m_info;
  EngineStats m_stats;
};

class RegistryBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::promise<void> started;
    m_models.start([&] { started.set_value(); });
    started.get_future().wait();
  }

  std::vector<CountingEngine::Asked> m_asked;
  ModelRegistry m_models{{{"embedder", "dir"}},
                         EngineOptions{.pool = nullptr, .threads = 1, .isa = {}},
                         [this](const std::string&, const EngineOptions&) -> Result<ServedModel> {
                           return std::make_unique<CountingEngine>(&m_asked);
                         }};
};

TEST_F(RegistryBackendTest, EachPartOfALongListHasItsOwnTime) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < 50; ++i) texts.emplace_back(1000 + i, 'x');
  texts.emplace_back(100'000, 'x');
  const auto embedded = registry_backend(m_models, {.gates = {}, .refusal = {}}).embed(texts, {});
  ASSERT_TRUE(embedded);
  ASSERT_EQ(embedded->size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ((*embedded)[i].values, std::vector{static_cast<float>(texts[i].size())}) << "in order";
  }
  ASSERT_EQ(m_asked.size(), 5U);
  EXPECT_EQ(m_asked.back().texts, 1U) << "a text that is larger than a part is one";
  for (size_t i = 1; i < m_asked.size(); ++i) EXPECT_GT(m_asked[i].deadline, m_asked[i - 1].deadline);
}

TEST_F(RegistryBackendTest, NoPartOutlivesTheRequest) {
  const std::vector<std::string> texts(50, std::string(1000, 'x'));
  const auto end = steady_clock::now() + std::chrono::seconds(2);
  RequestLimits limits;
  limits.deadline = end;
  ASSERT_TRUE(registry_backend(m_models, {.gates = {}, .refusal = {}}).embed(texts, limits));
  ASSERT_GT(m_asked.size(), 1U);
  for (const CountingEngine::Asked& asked : m_asked) EXPECT_EQ(asked.deadline, end);
}

TEST_F(RegistryBackendTest, ARefusedModelIsNotAsked) {
  const auto embedded =
      registry_backend(m_models, {.gates = {}, .refusal = {StatusCode::kCorruptFile, "not this one"}}).embed({"x"}, {});
  ASSERT_FALSE(embedded);
  EXPECT_EQ(embedded.error().message, "not this one");
  EXPECT_TRUE(m_asked.empty());
}

}  // namespace
}  // namespace vivace
