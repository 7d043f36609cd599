#include "tensor/aligned_buffer.h"

#include <sys/mman.h>
#include <cstdlib>
#include <new>

namespace vivace {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

size_t round_up(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

std::byte* allocate_aligned(size_t bytes) {
  // A small buffer in a huge page would waste most of it, and so would the last part of a large one.
  const size_t unit = bytes >= kHugePage ? kHugePage : kLine;
  const size_t size = round_up(bytes == 0 ? 1 : bytes, kLine);
  void* data = nullptr;
  if (::posix_memalign(&data, unit, size) != 0) throw std::bad_alloc();
  // Advice only: nothing is wrong when the system does not take it.
  if (unit == kHugePage) (void)::madvise(data, size / kHugePage * kHugePage, MADV_HUGEPAGE);
  return static_cast<std::byte*>(data);
}

void free_aligned(std::byte* data) {
  std::free(data);
}

}  // namespace vivace
