#include "cli/line_output.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <unistd.h>

namespace vivace {

LineOutput::LineOutput(int descriptor, std::stop_source broken)
    : m_descriptor(descriptor), m_broken(std::move(broken)), m_thread([this] { run(); }) {}

LineOutput::~LineOutput() {
  if (m_thread.joinable()) (void)close();
}

Result<void> LineOutput::close() {
  {
    const std::lock_guard lock(m_mutex);
    m_ended = true;
  }
  m_changed.notify_all();
  m_thread.join();
  if (m_failure == 0 || m_failure == EPIPE) return {};
  return error(StatusCode::kInternal, std::string("cannot write to standard output: ") + std::strerror(m_failure));
}

void LineOutput::write(std::string line, std::shared_ptr<const void> keep) {
  line += '\n';
  const std::lock_guard lock(m_mutex);
  m_waiting_bytes += line.size();
  m_lines.push_back({std::move(line), std::move(keep)});
  m_changed.notify_all();
}

void LineOutput::wait_for_room() {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [this] { return m_waiting_bytes < kMostWaitingBytes || m_broken.stop_requested(); });
}

bool LineOutput::write_all(const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(m_descriptor, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      m_failure = errno;
      return false;
    }
    written += static_cast<size_t>(count);
  }
  return true;
}

void LineOutput::run() {
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_changed.wait(lock, [this] { return !m_lines.empty() || m_ended; });
    if (m_lines.empty()) return;
    {
      const Line line = std::move(m_lines.front());
      m_lines.pop_front();
      lock.unlock();
      if (!m_broken.stop_requested() && !write_all(line.text)) m_broken.request_stop();
      lock.lock();
      m_waiting_bytes -= line.text.size();
      lock.unlock();
    }
    m_changed.notify_all();
    lock.lock();
  }
}

}  // namespace vivace
