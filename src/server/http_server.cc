#include "server/http_server.h"

#include <array>
#include <exception>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/log.h"
#include "server/error_table.h"
#include "server/http_connection.h"
#include "server/response_head.h"

namespace vivace {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// When the process has no file descriptor left, accepting fails at once, again and again.
constexpr std::chrono::milliseconds kAcceptPause{100};

void log_exception(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& exception) {
    log_error("a connection failed: {}", exception.what());
  }
}

Status cannot_listen(const ServerConfig& config, const boost::system::error_code& reason) {
  return {StatusCode::kUnavailable, fmt::format("cannot listen on {}:{}: {}; choose another address with --host or "
                                                "another port with --port",
                                                config.host, config.port, reason.message())};
}

}  // namespace

HttpServer::HttpServer(ServerContext& context)
    : m_context(context),
      m_io(static_cast<int>(context.config.io_threads)),
      m_work(m_io.get_executor()),
      m_acceptor(asio::make_strand(m_io)) {}

HttpServer::~HttpServer() {
  m_io.stop();
  m_threads.clear();
}

Result<void> HttpServer::listen() {
  boost::system::error_code error;
  tcp::resolver resolver(m_io);
  const auto found = resolver.resolve(m_context.config.host, std::to_string(m_context.config.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error) return std::unexpected(cannot_listen(m_context.config, error));
  const tcp::endpoint endpoint = found.begin()->endpoint();
  m_acceptor.open(endpoint.protocol(), error);
  if (!error) m_acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) m_acceptor.bind(endpoint, error);
  if (!error) m_acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return std::unexpected(cannot_listen(m_context.config, error));
  m_port = m_acceptor.local_endpoint(error).port();
  return {};
}

std::string HttpServer::url() const {
  const std::string& host = m_context.config.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", is_v6 ? "[" : "", host, is_v6 ? "]" : "", m_port);
}

void HttpServer::start() {
  m_accepting = true;
  asio::co_spawn(m_acceptor.get_executor(), accept(), asio::detached);
  for (int64_t i = 0; i < m_context.config.io_threads; ++i) {
    m_threads.emplace_back([this] { m_io.run(); });
  }
}

// Where memory is short for a moment one client is lost, not all that come after it.
asio::awaitable<void> HttpServer::accept() {
  for (bool is_open = true; is_open;) {
    try {
      is_open = co_await accept_one();
    } catch (...) {
      log_exception(std::current_exception());
    }
  }
  const std::scoped_lock lock(m_mutex);
  m_accepting = false;
  m_closed.notify_all();
}

// False once drain() has closed the acceptor, perhaps while a connection was on its way to us: that one was let in a
// turn ago.
asio::awaitable<bool> HttpServer::accept_one() {
  auto [error, socket] = co_await m_acceptor.async_accept(asio::any_io_executor(asio::make_strand(m_io)), kTuple);
  if (!m_acceptor.is_open()) co_return false;
  if (error) {
    log_warning("cannot accept a connection: {}", error.message());
    asio::steady_timer pause(m_acceptor.get_executor(), kAcceptPause);
    co_await pause.async_wait(kTuple);
  } else if (m_context.stats.connections.value() < m_context.config.max_connections) {
    admit(std::move(socket));
  } else {
    m_context.stats.connections_refused.add();
    const auto refused = std::make_shared<tcp::socket>(std::move(socket));
    asio::co_spawn(refused->get_executor(), refuse(refused), asio::detached);
  }
  co_return true;
}

void HttpServer::admit(tcp::socket socket) {
  m_context.stats.connections_accepted.add();
  const auto executor = socket.get_executor();
  auto connection = std::make_shared<HttpConnection>(std::move(socket), m_context);
  std::list<std::shared_ptr<HttpConnection>>::iterator place;
  {
    const std::scoped_lock lock(m_mutex);
    place = m_connections.insert(m_connections.end(), connection);
    m_context.stats.connections.add(1);
    if (m_draining) connection->drain();
  }
  try {
    asio::co_spawn(executor, connection->run(), [this, place, connection](const std::exception_ptr& failure) {
      log_exception(failure);
      if (failure) connection->stop();  // which its timer and its watch would keep otherwise
      forget(place);
    });
  } catch (...) {
    forget(place);
    throw;
  }
}

void HttpServer::forget(std::list<std::shared_ptr<HttpConnection>>::iterator connection) {
  m_context.stats.connections.add(-1);
  const std::scoped_lock lock(m_mutex);
  m_connections.erase(connection);
  if (m_connections.empty()) m_closed.notify_all();
}

// Says why before closing. What the client sends is thrown away: no memory is held for it.
asio::awaitable<void> HttpServer::refuse(std::shared_ptr<tcp::socket> socket) {
  const HttpResponse response = error_response(
      ApiFamily::kOpenAi, ApiError(StatusCode::kUnavailable, "the server has max_connections open connections"));
  const std::string text = format_response_head(response, "none", 0, AfterAnswer::kClose) + response.body;
  boost::system::error_code error;
  socket->write_some(asio::buffer(text), error);
  socket->shutdown(tcp::socket::shutdown_send, error);
  asio::steady_timer timer(socket->get_executor(), HttpConnection::kLingerTime);
  timer.async_wait([socket](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) socket->close(ignored);
  });
  std::array<char, 512> scratch;
  while (!error) {
    const auto [code, count] = co_await socket->async_read_some(asio::buffer(scratch), kTuple);
    error = code;
  }
}

bool HttpServer::drain(std::chrono::steady_clock::duration limit) {
  asio::post(m_acceptor.get_executor(), [this] {
    boost::system::error_code ignored;
    m_acceptor.close(ignored);
  });
  std::unique_lock lock(m_mutex);
  m_draining = true;
  for (const auto& connection : m_connections) connection->drain();
  return m_closed.wait_for(lock, limit, [this] { return !m_accepting && m_connections.empty(); });
}

void HttpServer::stop_connections() {
  const std::scoped_lock lock(m_mutex);
  for (const auto& connection : m_connections) connection->stop();
}

}  // namespace vivace
