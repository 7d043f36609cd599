#include "server/http2_relay.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace vivace {
namespace {

namespace asio = boost::asio;
using Client = asio::ip::tcp::socket;
using Server = asio::local::stream_protocol::socket;
using Error = boost::system::error_code;
using OnStep = std::function<void(RelayStep)>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kRelayBytes = 65536;

asio::awaitable<void> carry_requests(Client& client, Server& server, std::string first, const OnStep& on_step) {
  std::string buffer = std::move(first);
  size_t filled = buffer.size();
  buffer.resize(kRelayBytes);
  Error error;
  while (!error) {
    const auto [write_error, written] = co_await asio::async_write(server, asio::buffer(buffer.data(), filled), kTuple);
    if (write_error) break;
    on_step(RelayStep::kWaiting);
    const auto [read_error, read] = co_await client.async_read_some(asio::buffer(buffer), kTuple);
    error = read_error;
    filled = read;
  }
  Error ignored;
  server.shutdown(Server::shutdown_send, ignored);
}

asio::awaitable<void> carry_answers(Server& server, Client& client, const OnStep& on_step) {
  std::string buffer(kRelayBytes, '\0');
  for (;;) {
    const auto [read_error, read] = co_await server.async_read_some(asio::buffer(buffer), kTuple);
    if (read_error) break;
    on_step(RelayStep::kWriting);
    const auto [write_error, written] = co_await asio::async_write(client, asio::buffer(buffer.data(), read), kTuple);
    if (write_error) break;
    on_step(RelayStep::kWaiting);
  }
  // Who is left to send more would send it to nobody.
  Error ignored;
  client.shutdown(Client::shutdown_both, ignored);
  server.close(ignored);
}

}  // namespace

asio::awaitable<void> relay_http2(Http2Relay relay) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace): operators only
  Server server(relay.client.get_executor());
  Error error;
  server.assign(asio::local::stream_protocol(), relay.server, error);
  if (error) co_return;
  co_await (carry_requests(relay.client, server, std::move(relay.first), relay.on_step) &&
            carry_answers(server, relay.client, relay.on_step));
}

}  // namespace vivace
