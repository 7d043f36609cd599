// For tests of the server: an engine that answers only when the test says so, and a client that sees every byte.
#pragma once

#include <utility>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "engine/engine.h"

namespace vivace {

// Keeps what is submitted until release() or fail(); answers on a thread that is not the caller's.
class HeldEngine final : public Engine {
 public:
  struct Held {
    EmbedRequest request;
    EmbedCallback done;
  };

  Result<void> warm_up() override { return {}; }
  void submit_call(AnyCall call) override {
    auto& [request, done] = std::get<Call<EmbedRequest>>(call);
    const std::scoped_lock lock(m_mutex);
    if (m_full) return done(error(StatusCode::kOverloaded, "the queue is full"));
    m_held.push_back({std::move(request), std::move(done)});
    m_changed.notify_all();
  }
  void drain() override {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return m_held.empty(); });
  }
  const ModelInfo& info() const override { return m_info; }
  const EngineStats& stats() const override { return m_stats; }
  const Tokenizer& tokenizer() const override { std::abort(); }

  void set_full() {
    const std::scoped_lock lock(m_mutex);
    m_full = true;
  }
  // Waits for a request and takes it out.
  Held take() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return !m_held.empty(); });
    Held held = std::move(m_held.front());
    m_held.pop_front();
    m_changed.notify_all();
    return held;
  }
  // Answers the next request with one value a text.
  void release() {
    Held held = take();
    EmbedResponse response;
    for (const std::string& text : held.request.texts) {
      response.embeddings.push_back({.values = {static_cast<float>(text.size())}, .tokens = 1, .truncated = false});
    }
    std::thread([&] { held.done(std::move(response)); }).join();
  }
  void fail(StatusCode code) {
    Held held = take();
    std::thread([&] { held.done(error(code, "as the test wished")); }).join();
  }

 private:
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<Held> m_held;
  bool m_full = false;
  ModelInfo m_info;
  EngineStats m_stats;
};

class Client {
 public:
  explicit Client(uint16_t port) : m_socket(m_io) {
    m_socket.connect(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
  }
  void send(const std::string& text) { boost::asio::write(m_socket, boost::asio::buffer(text)); }
  void post(const std::string& body, const std::string& headers = "") {
    send(fmt::format("POST /v1/embeddings HTTP/1.1\r\nhost: t\r\n{}content-length: {}\r\n\r\n{}", headers, body.size(),
                     body));
  }
  void embed(const std::string& text) { post("{\"input\":\"" + text + "\"}"); }
  std::string get(const std::string& path) {
    send("GET " + path + " HTTP/1.1\r\nhost: t\r\n\r\n");
    return read();
  }
  // The next response, head and body.
  std::string read() {
    boost::system::error_code error;
    const size_t head = boost::asio::read_until(m_socket, boost::asio::dynamic_buffer(m_buffer), "\r\n\r\n", error);
    if (error) return "closed: " + error.message();
    const size_t at = m_buffer.find("content-length: ");
    const size_t length = at < head ? std::stoul(m_buffer.substr(at + 16)) : 0;
    while (m_buffer.size() < head + length) {
      std::array<char, 4096> chunk;
      m_buffer.append(chunk.data(), m_socket.read_some(boost::asio::buffer(chunk)));
    }
    const std::string response = m_buffer.substr(0, head + length);
    m_buffer.erase(0, head + length);
    return response;
  }
  void half_close() { m_socket.shutdown(boost::asio::ip::tcp::socket::shutdown_send); }
  void reset() {
    m_socket.set_option(boost::asio::socket_base::linger(true, 0));
    m_socket.close();
  }

 private:
  boost::asio::io_context m_io;
  boost::asio::ip::tcp::socket m_socket;
  std::string m_buffer;
};

}  // namespace vivace
