// Memory for the many matrices of one model, side by side. The system grants huge pages whole: alone, a matrix of less
// than 2 MiB has none, and a larger one none for its last part. Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>

#include "tensor/aligned_buffer.h"

namespace vivace {

class SharedPages {
 public:
  // Asked of the system at once; it takes memory only where that is written.
  static constexpr size_t kRegionBytes = size_t{32} << 20;

  // Uninitialised. Buffers keep the memory that they are part of; it is freed with the last one.
  AlignedBuffer<std::byte> allocate(size_t bytes);

 private:
  std::shared_ptr<AlignedBuffer<std::byte>> m_region;
  size_t m_used = 0;
};

}  // namespace vivace
