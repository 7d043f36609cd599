// The relay between a client over TCP and an echo at the other end of a socket pair.
#include "server/http2_relay.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>

namespace vivace {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Sends back what comes until the other side stops sending.
void echo(int socket) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = read(socket, buffer.data(), buffer.size());
    if (count <= 0) break;
    for (ssize_t sent = 0; sent < count;) {
      const ssize_t more = send(socket, buffer.data() + sent, static_cast<size_t>(count - sent), MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += more;
    }
  }
  close(socket);
}

class Http2RelayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, m_pair.data()), 0);
    tcp::acceptor acceptor(m_io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    m_client.connect(acceptor.local_endpoint());
    acceptor.accept(m_accepted);
    m_echo = std::jthread([socket = m_pair[0]] { echo(socket); });
  }
  void start(std::string first) {
    m_relay.emplace(m_accepted, m_pair[1], Http2Limits{.header_bytes = 1000, .body_time = std::chrono::seconds(5)});
    asio::co_spawn(m_strand, serve(std::move(first)), asio::detached);
    m_thread = std::jthread([this] { m_io.run(); });  // ends with the relay
  }
  asio::awaitable<void> serve(std::string first) {
    m_outcome = co_await m_relay->run(std::move(first), [this](RelayStep step) { note(step); });
  }
  void note(RelayStep step) {
    m_writes += step == RelayStep::kWriting ? 1 : 0;
    if (step == RelayStep::kWritten && m_once_written) asio::post(m_strand, std::exchange(m_once_written, {}));
    // As a connection's timer does a while after that.
    if (step == RelayStep::kClosed) asio::post(m_strand, [this] { m_relay->cancel(); });
  }
  std::string read_all() {
    std::string text;
    boost::system::error_code ended;
    asio::read(m_client, asio::dynamic_buffer(text), ended);
    return text;
  }

  std::array<int, 2> m_pair{};
  asio::io_context m_io;
  asio::strand<asio::io_context::executor_type> m_strand{m_io.get_executor()};  // the relay's
  asio::io_context m_own;
  tcp::socket m_client{m_own};
  tcp::socket m_accepted{m_io};
  std::optional<Http2Relay> m_relay;
  Result<void> m_outcome;
  int m_writes = 0;
  std::function<void()> m_once_written;  // on the strand, once the relay waits again
  std::jthread m_echo;
  std::jthread m_thread;
};

TEST_F(Http2RelayTest, CarriesBytesBothWaysUntilTheClientEnds) {
  start(std::string(kHttp2Preface));
  const std::string sent(1 << 20, '\0');  // empty frames
  std::jthread writer([&] {
    asio::write(m_client, asio::buffer(sent));
    m_client.shutdown(tcp::socket::shutdown_send);
  });
  EXPECT_EQ(read_all(), std::string(kHttp2Preface) + sent);
  writer.join();
  m_thread.join();
  EXPECT_GT(m_writes, 1);
}

TEST_F(Http2RelayTest, AResetClientEndsIt) {
  start("");
  m_client.set_option(asio::socket_base::linger(true, 0));
  m_client.close();
  m_thread.join();
}

TEST_F(Http2RelayTest, ACancelledSocketEndsIt) {
  start("");
  asio::post(m_strand, [this] { m_relay->cancel(); });
  m_thread.join();
  EXPECT_EQ(read_all(), "");
}

// Both sides wait for it then: what the relay would carry next has room nowhere.
TEST_F(Http2RelayTest, ACancelEndsItWhenNobodyReads) {
  start(std::string(kHttp2Preface));
  m_client.non_blocking(true);
  const std::string sent(1 << 20, '\0');  // empty frames
  boost::system::error_code full;
  for (pollfd room{.fd = m_client.native_handle(), .events = POLLOUT, .revents = 0}; poll(&room, 1, 300) > 0;) {
    m_client.write_some(asio::buffer(sent), full);
  }
  asio::post(m_strand, [this] { m_relay->cancel(); });
  m_thread.join();
  EXPECT_TRUE(m_outcome);
  m_client.close();  // the echo ends with it
}

// The bytes have come, but the relay has not had its turn to see them: it must not begin to write what it cannot end.
TEST_F(Http2RelayTest, ACancelHoldsForWhatHasJustArrived) {
  m_once_written = [this] {
    EXPECT_EQ(send(m_pair[0], "late", 4, MSG_NOSIGNAL), 4);
    for (int unread = 4; unread > 0;) ASSERT_EQ(ioctl(m_pair[1], FIONREAD, &unread), 0);  // the other thread reads
    m_relay->cancel();
  };
  start(std::string(kHttp2Preface));
  std::jthread reader([this] { m_io.run(); });
  m_thread.join();
  reader.join();
  EXPECT_EQ(m_writes, 1);
  EXPECT_EQ(read_all(), kHttp2Preface);
}

TEST_F(Http2RelayTest, AServerThatClosesEndsIt) {
  start("");
  shutdown(m_pair[0], SHUT_RDWR);
  EXPECT_EQ(read_all(), "");
  m_thread.join();
}

// What the server said before it closed must arrive, also where the client goes on talking.
TEST_F(Http2RelayTest, AnswersArriveAfterTheServerHasClosed) {
  start(std::string(kHttp2Preface));
  std::string answers(4 << 20, '\0');
  std::jthread server([&] {
    for (size_t sent = 0; sent < answers.size();) {
      const ssize_t more = send(m_pair[0], answers.data() + sent, answers.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += static_cast<size_t>(more);
    }
    shutdown(m_pair[0], SHUT_RDWR);
  });
  std::string read;
  std::array<char, 65536> buffer{};
  boost::system::error_code ended;
  while (!ended) {
    read.append(buffer.data(), m_client.read_some(asio::buffer(buffer), ended));
    boost::system::error_code ignored;
    asio::write(m_client, asio::buffer(std::string(9, '\0')), ignored);  // an empty frame
  }
  EXPECT_EQ(ended, asio::error::eof);
  EXPECT_GE(read.size(), answers.size());
}

TEST_F(Http2RelayTest, AClientThatTheGuardRefusesIsSentAway) {
  start(std::string(kHttp2Preface) + std::string("\x7f\xff\xff\x01\0\0\0\0\x01", 9));
  m_thread.join();
  ASSERT_FALSE(m_outcome);
  EXPECT_EQ(m_outcome.error().code, StatusCode::kTooLarge);
}

}  // namespace
}  // namespace vivace
