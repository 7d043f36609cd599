// Listens, accepts and keeps the connections; owns the I/O threads.
#pragma once

#include <utility>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/status.h"
#include "server/route.h"

namespace vivace {

class HttpConnection;

class HttpServer {
 public:
  // context must outlive the server, and its engines must be drained before the server is destroyed: their callbacks
  // post to the server's executors.
  explicit HttpServer(ServerContext& context);
  ~HttpServer();  // stops at once
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds the configured address. kUnavailable, with the system's reason, when that fails.
  Result<void> listen();
  uint16_t port() const { return m_port; }
  std::string url() const;  // "http://127.0.0.1:8080"
  // Of the threads that serve connections.
  boost::asio::io_context& io() { return m_io; }

  // Starts accepting, on threads of its own. After listen().
  void start();

  // Stops accepting, closes idle connections and waits until the others have their answers or limit is over. True when
  // nothing was left: no connection is accepted and none is open.
  bool drain(std::chrono::steady_clock::duration limit);
  // Cancels and closes what is left.
  void stop_connections();

 private:
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<bool> accept_one();
  boost::asio::awaitable<void> refuse(std::shared_ptr<boost::asio::ip::tcp::socket> socket);
  void admit(boost::asio::ip::tcp::socket socket);
  void forget(std::list<std::shared_ptr<HttpConnection>>::iterator connection);

  ServerContext& m_context;
  boost::asio::io_context m_io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> m_work;
  boost::asio::ip::tcp::acceptor m_acceptor;
  uint16_t m_port = 0;
  std::mutex m_mutex;
  std::condition_variable m_closed;
  std::list<std::shared_ptr<HttpConnection>> m_connections;  // guarded by m_mutex
  bool m_accepting = false;                                  // guarded by m_mutex
  bool m_draining = false;                                   // guarded by m_mutex
  std::vector<std::jthread> m_threads;
};

}  // namespace vivace
