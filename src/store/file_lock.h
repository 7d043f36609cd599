// A file that only one process holds at a time; the system lets go of it when the process ends, however it ends.
#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace vivace {

class FileLock {
 public:
  // Makes the file when it is missing. kUnavailable when another holds it.
  static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept : m_descriptor(std::exchange(other.m_descriptor, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : m_descriptor(descriptor) {}
  int m_descriptor;
};

}  // namespace vivace
