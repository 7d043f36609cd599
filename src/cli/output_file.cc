#include "cli/output_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vivace {
namespace {
constexpr size_t kBufferBytes = size_t{256} << 10;
}

bool is_same_file(const std::string& input, const std::string& output) {
  const auto facts_of = [](const std::string& path, int standard, struct stat* facts) {
    return (path == "-" ? fstat(standard, facts) : stat(path.c_str(), facts)) == 0 && S_ISREG(facts->st_mode);
  };
  struct stat in{};
  struct stat out{};
  return facts_of(input, STDIN_FILENO, &in) && facts_of(output, STDOUT_FILENO, &out) && in.st_dev == out.st_dev &&
         in.st_ino == out.st_ino;
}

Result<OutputFile> OutputFile::open(const std::string& path, Existing existing) {
  const bool standard = path == "-";
  const int fresh = existing == Existing::kOverwrite ? O_TRUNC : 0;
  OutputFile file(standard ? dup(STDOUT_FILENO) : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | fresh, 0666),
                  standard ? "standard output" : "'" + path + "'");
  if (file.m_descriptor < 0) return file.failed("open");
  struct stat facts{};
  if (fstat(file.m_descriptor, &facts) != 0) return file.failed("open");
  const off_t position = lseek(file.m_descriptor, 0, standard ? SEEK_CUR : SEEK_END);
  // Behind what another program wrote (`>>`, or a shared descriptor) offsets are not ours to choose.
  const bool shared = standard && (position != 0 || (fcntl(file.m_descriptor, F_GETFL) & O_APPEND) != 0);
  file.m_seekable = S_ISREG(facts.st_mode) && position >= 0 && !shared;
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_name(std::move(other.m_name)),
      m_seekable(other.m_seekable),
      m_buffer(std::move(other.m_buffer)) {}

OutputFile::~OutputFile() {
  if (m_descriptor >= 0) close(m_descriptor);
}

std::unexpected<Status> OutputFile::failed(std::string_view what) const {
  return error(StatusCode::kInternal, "cannot " + std::string(what) + " " + m_name + ": " + std::strerror(errno));
}

Result<void> OutputFile::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(m_descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write to");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<void> OutputFile::write(std::string_view bytes) {
  m_buffer.append(bytes);
  return m_buffer.size() >= kBufferBytes ? flush() : Result<void>();
}

Result<void> OutputFile::flush() {
  auto written = write_all(m_buffer);
  m_buffer.clear();
  return written;
}

Result<uint64_t> OutputFile::size() const {
  struct stat facts{};
  if (fstat(m_descriptor, &facts) != 0) return failed("read");
  return static_cast<uint64_t>(facts.st_size);
}

Result<std::string> OutputFile::read_at(uint64_t offset, size_t count) const {
  std::string bytes(count, '\0');
  size_t have = 0;
  while (have < count) {
    const ssize_t got = pread(m_descriptor, bytes.data() + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read");
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

Result<void> OutputFile::overwrite_at(uint64_t offset, std::string_view bytes) {
  RETURN_IF_ERROR(flush());
  if (lseek(m_descriptor, static_cast<off_t>(offset), SEEK_SET) < 0) return failed("rewrite");
  RETURN_IF_ERROR(write_all(bytes));
  if (lseek(m_descriptor, 0, SEEK_END) < 0) return failed("rewrite");
  return {};
}

Result<void> OutputFile::truncate(uint64_t size) {
  if (ftruncate(m_descriptor, static_cast<off_t>(size)) != 0) return failed("shorten");
  if (lseek(m_descriptor, 0, SEEK_END) < 0) return failed("shorten");
  return {};
}

}  // namespace vivace
