#include "cli/line_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vivace {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr int kStopCheckMs = 100;  // how late a stop request may be noticed while the input is silent

// Whoever reads what it writes never ends.
bool is_standard_output(const struct stat& input) {
  struct stat output{};
  return S_ISREG(input.st_mode) && fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == input.st_dev &&
         output.st_ino == input.st_ino;
}

}  // namespace

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

bool is_blank_line(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

Result<LineReader> LineReader::open(const std::string& path) {
  const bool is_input = path == "-";
  LineReader reader(is_input ? dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC),
                    is_input ? "standard input" : "'" + path + "'");
  if (reader.m_descriptor < 0 && is_input) return error(StatusCode::kNotFound, "standard input is closed");
  if (reader.m_descriptor < 0) {
    const StatusCode code = errno == ENOENT ? StatusCode::kNotFound : StatusCode::kInvalidArgument;
    return error(code, "cannot read '" + path + "': " + std::strerror(errno));
  }
  struct stat facts{};
  if (fstat(reader.m_descriptor, &facts) == 0) {
    if (is_standard_output(facts)) {
      return error(StatusCode::kInvalidArgument,
                   reader.m_name + " is the file that standard output goes to; write to another one");
    }
    if (is_input) return reader;
    if (S_ISDIR(facts.st_mode)) {
      return error(StatusCode::kInvalidArgument,
                   "'" + path + "' is a folder; --file takes a file or - for standard input");
    }
    if (S_ISREG(facts.st_mode)) reader.m_total_bytes = static_cast<uint64_t>(facts.st_size);
  }
  return reader;
}

LineReader::LineReader(LineReader&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_name(std::move(other.m_name)),
      m_buffer(std::move(other.m_buffer)),
      m_begin(other.m_begin),
      m_ended(other.m_ended),
      m_skips_rest(other.m_skips_rest),
      m_line_number(other.m_line_number),
      m_bytes_taken(other.m_bytes_taken),
      m_total_bytes(other.m_total_bytes) {}

LineReader::~LineReader() {
  if (m_descriptor >= 0) close(m_descriptor);
}

// Reads more into the buffer. False when the input has ended or stop was requested.
Result<bool> LineReader::fill(const std::stop_token& stop) {
  m_buffer.erase(0, m_begin);
  m_begin = 0;
  while (!stop.stop_requested()) {
    pollfd waiting{.fd = m_descriptor, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, kStopCheckMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const size_t before = m_buffer.size();
    m_buffer.resize(before + kReadBytes);
    const ssize_t count = read(m_descriptor, m_buffer.data() + before, kReadBytes);
    m_buffer.resize(before + static_cast<size_t>(count > 0 ? count : 0));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return error(StatusCode::kInternal, "cannot read " + m_name + ": " + std::strerror(errno));
    m_ended = count == 0;
    return count > 0;
  }
  return false;
}

// False when the input has ended before the line has, or stop was requested.
Result<bool> LineReader::skip_rest(const std::stop_token& stop) {
  size_t end = 0;
  while ((end = m_buffer.find('\n', m_begin)) == std::string::npos) {
    m_begin = m_buffer.size();
    ASSIGN_OR_RETURN(const bool more, fill(stop));
    if (!more) return false;
  }
  m_begin = end + 1;
  m_skips_rest = false;
  return true;
}

Result<std::optional<std::string_view>> LineReader::next(const std::stop_token& stop) {
  if (m_skips_rest) {
    ASSIGN_OR_RETURN(const bool skipped, skip_rest(stop));
    if (!skipped) return std::nullopt;
  }
  size_t searched = m_begin;
  size_t end = 0;
  while ((end = m_buffer.find('\n', searched)) == std::string::npos) {
    if (m_buffer.size() - m_begin > kMaxLineBytes) {
      m_skips_rest = true;
      return error(StatusCode::kTooLarge, m_name + " line " + std::to_string(++m_line_number) + " is longer than " +
                                              std::to_string(kMaxLineBytes >> 20) + " MiB; is this a text file?");
    }
    const size_t unsearched = m_buffer.size() - m_begin;
    if (m_ended) break;
    ASSIGN_OR_RETURN(const bool more, fill(stop));
    if (!more && !m_ended) return std::nullopt;  // stopped
    searched = m_begin + unsearched;
  }
  if (end == std::string::npos && m_begin == m_buffer.size()) return std::nullopt;
  if (end == std::string::npos) end = m_buffer.size();
  std::string_view line = std::string_view(m_buffer).substr(m_begin, end - m_begin);
  m_bytes_taken += line.size() + 1;
  m_begin = std::min(end + 1, m_buffer.size());
  if (++m_line_number == 1) line = without_byte_order_mark(line);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace vivace
