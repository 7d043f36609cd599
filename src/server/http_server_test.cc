// The server over real sockets, with an engine that answers only when the test says so.
#include "server/http_server.h"

#include <future>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/route_table.h"
#include "server/server_testing.h"

namespace vivace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    m_config.host = "127.0.0.1";
    m_config.port = 0;
    m_config.io_threads = 2;
  }
  void start() {
    m_models = std::make_unique<ModelRegistry>(std::vector<ModelSpec>{{"m", "dir"}},
                                               EngineOptions{.pool = nullptr, .threads = 1, .isa = {}},
                                               [this](const std::string&, const EngineOptions&) -> Result<ServedModel> {
                                                 auto engine = std::make_unique<HeldEngine>();
                                                 m_engine = engine.get();
                                                 return engine;
                                               });
    m_context = std::make_unique<ServerContext>(m_config, *m_models, m_routes);
    m_server = std::make_unique<HttpServer>(*m_context);
    ASSERT_TRUE(m_server->listen());
    m_server->start();
  }
  void load_model() {
    std::promise<void> done;
    m_models->start([&] { done.set_value(); });
    done.get_future().wait();
  }
  void start_ready() {
    start();
    load_model();
  }
  Client connect() { return Client(m_server->port()); }

  ServerConfig m_config;
  const std::vector<Route> m_routes = all_routes();
  std::unique_ptr<ModelRegistry> m_models;
  std::unique_ptr<ServerContext> m_context;
  std::unique_ptr<HttpServer> m_server;
  HeldEngine* m_engine = nullptr;
};

TEST_F(HttpServerTest, NotReadyUntilTheModelIsWarm) {
  start();
  Client client = connect();
  EXPECT_THAT(client.get("/ready"), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\nretry-after: 1\r\n")));
  client.embed("x");
  EXPECT_THAT(client.read(), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("still loading")));
  EXPECT_THAT(client.get("/health"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr(R"({"status":"degraded",)")));
  load_model();
  EXPECT_THAT(client.get("/ready"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(client.get("/health"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr(R"({"status":"healthy",)")));
}

TEST_F(HttpServerTest, AnswersGoToTheirRequests) {
  start_ready();
  Client first = connect();
  Client second = connect();
  first.embed("x");
  const HeldEngine::Held held = m_engine->take();
  second.embed("four");
  m_engine->release();
  EXPECT_THAT(second.read(), HasSubstr("\"embedding\":[4]"));
  held.done(error(StatusCode::kInternal, "as the test wished"));
  EXPECT_THAT(first.read(), AllOf(StartsWith("HTTP/1.1 500 "), HasSubstr("as the test wished")));
}

TEST_F(HttpServerTest, FullQueueIs429) {
  start_ready();
  m_engine->set_full();
  Client client = connect();
  client.embed("x");
  EXPECT_THAT(client.read(), AllOf(StartsWith("HTTP/1.1 429 "), HasSubstr("\r\nretry-after: 1\r\n"),
                                   HasSubstr("\"type\":\"rate_limit_error\"")));
}

TEST_F(HttpServerTest, EngineErrorsBecomeStatuses) {
  start_ready();
  Client client = connect();
  for (const auto& [code, line] : {std::pair(StatusCode::kDeadlineExceeded, "HTTP/1.1 504 "),
                                   std::pair(StatusCode::kInvalidArgument, "HTTP/1.1 400 "),
                                   std::pair(StatusCode::kUnavailable, "HTTP/1.1 503 ")}) {
    client.embed("x");
    m_engine->fail(code);
    EXPECT_THAT(client.read(), StartsWith(line));
  }
}

TEST_F(HttpServerTest, TimeoutHeaderSetsTheDeadline) {
  start_ready();
  Client client = connect();
  client.post(R"({"input":"x"})", "request-timeout-ms: 5000\r\n");
  const HeldEngine::Held held = m_engine->take();
  ASSERT_TRUE(held.request.deadline);
  const auto left = *held.request.deadline - std::chrono::steady_clock::now();
  EXPECT_LE(left, std::chrono::seconds(5));
  held.done(EmbedResponse{});
  EXPECT_THAT(client.read(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, ResetCancelsTheRequest) {
  start_ready();
  Client client = connect();
  client.embed("x");
  const HeldEngine::Held held = m_engine->take();
  std::promise<void> cancelled;
  const std::stop_callback on_cancel(held.request.cancel, [&] { cancelled.set_value(); });
  client.reset();
  cancelled.get_future().wait();
  held.done(error(StatusCode::kCancelled, "cancelled"));
  EXPECT_TRUE(m_server->drain(std::chrono::seconds(60)));
  EXPECT_EQ(m_context->stats.disconnects.value(), 1U);
}

TEST_F(HttpServerTest, HalfClosedClientGetsItsAnswerThenGivesUp) {
  start_ready();
  Client patient = connect();
  patient.embed("x");
  patient.half_close();
  m_engine->release();
  EXPECT_THAT(patient.read(), StartsWith("HTTP/1.1 200 "));

  Client gone = connect();
  gone.embed("x");
  const HeldEngine::Held held = m_engine->take();
  std::promise<void> cancelled;
  const std::stop_callback on_cancel(held.request.cancel, [&] { cancelled.set_value(); });
  gone.half_close();
  cancelled.get_future().wait();  // after HttpConnection::kHalfCloseGrace
  held.done(error(StatusCode::kCancelled, "cancelled"));
  EXPECT_THAT(gone.read(), StartsWith("HTTP/1.1 499 "));
}

TEST_F(HttpServerTest, PipelinedRequestsDoNotCancel) {
  start_ready();
  Client client = connect();
  client.embed("x");
  client.embed("xy");
  m_engine->release();
  EXPECT_THAT(client.read(), HasSubstr("\"embedding\":[1]"));
  m_engine->release();
  EXPECT_THAT(client.read(), HasSubstr("\"embedding\":[2]"));
}

TEST_F(HttpServerTest, DrainWaitsForWhatIsInFlight) {
  start_ready();
  Client busy = connect();
  Client idle = connect();
  EXPECT_THAT(idle.get("/health"), StartsWith("HTTP/1.1 200 "));
  busy.embed("x");
  const HeldEngine::Held held = m_engine->take();
  m_context->draining = true;
  auto drained = std::async(std::launch::async, [&] { return m_server->drain(std::chrono::seconds(60)); });
  EXPECT_THAT(idle.read(), StartsWith("closed"));
  held.done(EmbedResponse{});
  EXPECT_THAT(busy.read(), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("connection: close")));
  EXPECT_TRUE(drained.get());
  EXPECT_THROW(connect(), boost::system::system_error);
}

TEST_F(HttpServerTest, StopCutsWhatDoesNotFinish) {
  start_ready();
  Client busy = connect();
  busy.embed("x");
  const HeldEngine::Held held = m_engine->take();
  EXPECT_FALSE(m_server->drain(std::chrono::milliseconds(1)));
  m_server->stop_connections();
  EXPECT_THAT(busy.read(), StartsWith("closed"));
  held.done(error(StatusCode::kCancelled, "cancelled"));
  EXPECT_TRUE(held.request.cancel.stop_requested());
  EXPECT_TRUE(m_server->drain(std::chrono::seconds(60)));
}

TEST_F(HttpServerTest, SlowHeadIs408) {
  m_config.header_timeout_seconds = 0.05;
  start_ready();
  Client client = connect();
  client.send("GET /health HTTP/1.1\r\n");
  EXPECT_THAT(client.read(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(client.read(), StartsWith("closed"));
  EXPECT_EQ(m_context->stats.timeouts.value(), 1U);
}

TEST_F(HttpServerTest, ConnectionsOverTheLimitAreToldSo) {
  m_config.max_connections = 1;
  start_ready();
  Client first = connect();
  EXPECT_THAT(first.get("/health"), StartsWith("HTTP/1.1 200 "));
  Client second = connect();
  EXPECT_THAT(second.read(), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(m_context->stats.connections_refused.value(), 1U);
}

TEST_F(HttpServerTest, ManyClientsAtOnce) {
  start_ready();
  constexpr int kClients = 16;
  constexpr int kRequests = 20;
  std::jthread answers([&] {
    for (int i = 0; i < kClients * kRequests; ++i) m_engine->release();
  });
  std::vector<std::jthread> clients;
  for (int c = 1; c <= kClients; ++c) {
    clients.emplace_back([this, c] {
      Client client = connect();
      const std::string expected = fmt::format("\"embedding\":[{}]", c);
      for (int i = 0; i < kRequests; ++i) {
        client.embed(std::string(static_cast<size_t>(c), 'x'));
        EXPECT_THAT(client.read(), HasSubstr(expected));
      }
    });
  }
  clients.clear();
  ASSERT_TRUE(m_server->drain(std::chrono::seconds(60)));  // a request is counted just after its answer was written
  const RouteStats& stats = m_context->stats.routes[0];
  EXPECT_EQ(stats.succeeded.value(), static_cast<uint64_t>(kClients * kRequests));
}

TEST_F(HttpServerTest, PortInUseIsOneLine) {
  start_ready();
  ServerConfig same = m_config;
  same.port = m_server->port();
  ServerContext context{.config = same, .models = *m_models, .routes = m_routes};
  HttpServer other(context);
  const auto listening = other.listen();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(listening.error().message, AllOf(HasSubstr("in use"), HasSubstr("--port")));
}

}  // namespace
}  // namespace vivace
