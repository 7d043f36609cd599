#include "store/file_lock.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace vivace {

Result<FileLock> FileLock::take(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return error(StatusCode::kInvalidArgument, "cannot make '" + path + "': " + std::strerror(errno));
  }
  FileLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  return error(StatusCode::kUnavailable, "'" + path + "' is held by another process");
}

FileLock::~FileLock() {
  if (m_descriptor >= 0) ::close(m_descriptor);
}

}  // namespace vivace
