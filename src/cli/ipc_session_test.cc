// The session without models: what is answered at once and what waits.
#include "cli/ipc_session.h"

#include <cstdio>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace vivace {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class NoModels final : public CompletionModels {
 public:
  std::vector<CompletionModel> list() const override { return {}; }
  MemoryState memory() const override { return {}; }
  std::string load_of(std::string_view) const override { return {}; }
  Result<std::shared_ptr<CircuitBreaker>> breaker(std::string_view) const override {
    return error(StatusCode::kNotFound, "no such model");
  }
  Result<std::shared_ptr<Generator>> find(std::string_view) const override {
    return error(StatusCode::kNotFound, "no such model");
  }
};

class IpcSessionTest : public testing::Test {
 protected:
  // What was written so far. After the output has ended.
  std::vector<std::string> lines() {
    std::rewind(m_file);
    std::vector<std::string> read;
    char line[4096];
    while (std::fgets(line, sizeof(line), m_file) != nullptr) read.emplace_back(line);
    return read;
  }
  std::FILE* m_file = std::tmpfile();
  NoModels m_models;
  CompletionService m_service{m_models, {}};
};

TEST_F(IpcSessionTest, C002_05_OnlyCompletionsWaitForTheModel) {
  {
    std::stop_source nobody_reads;
    LineOutput output(fileno(m_file), nobody_reads);
    IpcSession session(m_service, m_models, output);
    session.take(R"({"type":"infer","id":1,"code":"x = "})");
    session.take(R"({"type":"ping","id":2})");
    session.take(R"({"type":"status","id":3})");
    session.models_loaded();
    session.finish();
  }
  EXPECT_THAT(lines(), ElementsAre(AllOf(HasSubstr("\"id\":2"), HasSubstr("pong")),
                                   AllOf(HasSubstr("\"id\":3"), HasSubstr("\"inFlight\":1")),
                                   AllOf(HasSubstr("\"id\":1"), HasSubstr("error"))));
}

}  // namespace
}  // namespace vivace
