// A pass over the model that does not end: whoever waits is told at the deadline all the same.
#include <condition_variable>
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>

#include "base/check.h"
#include "engine/local_engine.h"
#include "kernels/registry.h"

namespace vivace {
namespace {

using std::chrono::milliseconds;

// Passes over the model wait at this gate while it is closed.
class Gate {
 public:
  void close() {
    const std::lock_guard lock(m_mutex);
    m_open = false;
  }
  void open() {
    const std::lock_guard lock(m_mutex);
    m_open = true;
    m_changed.notify_all();
  }
  void pass() {
    std::unique_lock lock(m_mutex);
    ++m_came;
    m_changed.notify_all();
    m_changed.wait(lock, [this] { return m_open; });
  }
  void wait_for_pass(int number) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return m_came >= number; });
  }

 private:
  std::mutex m_mutex;
  std::condition_variable m_changed;
  bool m_open = true;
  int m_came = 0;
};

class GatedModel final : public Model {
 public:
  GatedModel(std::unique_ptr<const Model> model, Gate* gate) : m_model(std::move(model)), m_gate(gate) {}
  const EncoderInfo& info() const override { return m_model->info(); }
  int columns(ModelOutput output) const override { return m_model->columns(output); }
  Result<MatrixView<const float>> run(const PackedBatch& batch, ModelOutput output, ThreadPool& pool,
                                      ForwardWorkspace& workspace) const override {
    m_gate->pass();
    return m_model->run(batch, output, pool, workspace);
  }

 private:
  std::unique_ptr<const Model> m_model;
  Gate* m_gate;
};

class EngineDeadlineTest : public ::testing::Test {
 protected:
  using Answer = std::future<Result<EmbedResponse>>;

  void SetUp() override {
    const auto files = ModelDirectory::open(VIVACE_SOURCE_DIR "/tests/golden/tiny-bert");
    auto loaded = load_model(*files, kernel_table_generic, 1);
    CHECK(loaded.has_value());
    loaded->model = std::make_unique<GatedModel>(std::move(loaded->model), &m_gate);
    LocalEngineSettings settings{.pool = std::make_shared<ThreadPool>(1),
                                 .stats = std::make_shared<EngineStats>(),
                                 .max_batch_tokens = 8,
                                 .max_queued_texts = 100};
    m_engine = std::make_unique<LocalEngine>(std::move(*loaded), ModelInfo(), std::move(settings));
    m_gate.close();
  }
  void TearDown() override { m_gate.open(); }

  Answer ask(RequestLimits limits, size_t texts = 1) {
    EmbedRequest request;
    static_cast<RequestLimits&>(request) = std::move(limits);
    request.texts = std::vector<std::string>(texts, "after");
    const auto promise = std::make_shared<std::promise<Result<EmbedResponse>>>();
    m_engine->submit(std::move(request),
                     [promise](Result<EmbedResponse> response) { promise->set_value(std::move(response)); });
    return promise->get_future();
  }
  static RequestLimits within(milliseconds time) {
    RequestLimits limits;
    limits.deadline = EngineClock::now() + time;
    return limits;
  }
  static StatusCode code_of(Answer answer) {
    const auto response = answer.get();
    CHECK(!response.has_value());
    return response.error().code;
  }

  Gate m_gate;
  std::unique_ptr<LocalEngine> m_engine;
};

TEST_F(EngineDeadlineTest, C002_12_EndsWhatIsInThePassAndWhatWaitsBehindIt) {
  Answer running = ask(within(milliseconds(20)), 5);  // more than one batch
  m_gate.wait_for_pass(1);
  Answer waiting = ask(within(milliseconds(10)));
  Answer patient = ask({});
  EXPECT_EQ(code_of(std::move(running)), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(code_of(std::move(waiting)), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(m_engine->stats().queued_texts.value(), 1) << "only the patient one is left";
  EXPECT_EQ(m_engine->stats().requests_expired.value(), 2U);
  m_gate.open();
  EXPECT_TRUE(patient.get().has_value());
  m_engine->drain();
  EXPECT_EQ(m_engine->stats().requests_succeeded.value(), 1U);
  EXPECT_EQ(m_engine->stats().requests_expired.value(), 2U);
  EXPECT_EQ(m_engine->stats().queued_tokens.value(), 0);
}

TEST_F(EngineDeadlineTest, CancellationIsAnsweredDuringThePass) {
  std::stop_source stop;
  RequestLimits limits;
  limits.cancel = stop.get_token();
  Answer running = ask(limits);
  m_gate.wait_for_pass(1);
  Answer waiting = ask(limits);
  stop.request_stop();
  EXPECT_EQ(code_of(std::move(running)), StatusCode::kCancelled);
  EXPECT_EQ(code_of(std::move(waiting)), StatusCode::kCancelled);
  EXPECT_EQ(m_engine->stats().queued_texts.value(), 0);
  EXPECT_EQ(m_engine->stats().requests_cancelled.value(), 2U);
}

TEST_F(EngineDeadlineTest, AnEngineThatIsDroppedMeanwhileWaitsForItsPass) {
  Answer running = ask(within(milliseconds(5)));
  m_gate.wait_for_pass(1);
  EXPECT_EQ(code_of(std::move(running)), StatusCode::kDeadlineExceeded);
  std::thread dropping([this] { m_engine.reset(); });
  m_gate.open();
  dropping.join();
}

}  // namespace
}  // namespace vivace
