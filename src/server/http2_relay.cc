#include "server/http2_relay.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace vivace {
namespace {

namespace asio = boost::asio;
using Client = asio::ip::tcp::socket;
using Server = asio::local::stream_protocol::socket;
using Error = boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kRelayBytes = 65536;

}  // namespace

Http2Relay::Http2Relay(Client& client, int server, Http2Limits limits)
    : m_client(client), m_server(client.get_executor(), asio::local::stream_protocol(), server), m_guard(limits) {}

asio::awaitable<Result<void>> Http2Relay::run(std::string first, std::function<void(RelayStep)> on_step) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): operators only
  m_on_step = std::move(on_step);
  co_await (carry_requests(std::move(first)) && carry_answers());
  co_return m_outcome;
}

void Http2Relay::cancel() {
  m_is_cancelled = true;
  Error ignored;
  m_client.cancel(ignored);
  m_server.close(ignored);
}

asio::awaitable<void> Http2Relay::carry_requests(std::string first) {
  std::string buffer = std::move(first);
  size_t filled = buffer.size();
  buffer.resize(kRelayBytes);
  Error error;
  bool is_heard = true;  // false: gRPC has closed; what still comes is thrown away, so that its last answers arrive
  while (!error) {
    const std::string_view bytes(buffer.data(), filled);
    m_outcome = m_guard.take(bytes, Http2Guard::Clock::now());
    if (!m_outcome) break;
    m_on_step(RelayStep::kReceived);
    if (is_heard) {
      const auto [write_error, written] = co_await asio::async_write(m_server, asio::buffer(bytes), kTuple);
      is_heard = !write_error;
    }
    if (m_is_cancelled) break;  // while it wrote, so that nothing would end the next read
    const auto [read_error, read] = co_await m_client.async_read_some(asio::buffer(buffer), kTuple);
    error = read_error;
    filled = read;
  }
  Error ignored;
  if (m_outcome) {
    m_server.shutdown(Server::shutdown_send, ignored);
  } else {
    cancel();
  }
}

asio::awaitable<void> Http2Relay::carry_answers() {
  std::string buffer(kRelayBytes, '\0');
  for (;;) {
    const auto [read_error, read] = co_await m_server.async_read_some(asio::buffer(buffer), kTuple);
    if (read_error) break;
    if (m_is_cancelled) break;
    m_guard.take_answer({buffer.data(), read});
    m_on_step(RelayStep::kWriting);
    const auto [write_error, written] = co_await asio::async_write(m_client, asio::buffer(buffer.data(), read), kTuple);
    if (write_error) break;
    m_on_step(RelayStep::kWritten);
  }
  m_on_step(RelayStep::kClosed);
  Error ignored;
  m_client.shutdown(Client::shutdown_send, ignored);
}

}  // namespace vivace
