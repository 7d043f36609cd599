#include "tensor/aligned_buffer.h"

#include <sys/mman.h>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace vivace {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;

size_t round_up(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

bool is_mapped(size_t bytes) {
  return kMapsMemory && bytes >= kHugePage;
}

// Straight from the system, so that it goes straight back. The heap would keep what a model was converted in, and the
// gaps that the alignment leaves: a tenth of the weights.
std::byte* map_large(size_t bytes) {
  const size_t size = round_up(bytes, kPage);
  void* const mapped = ::mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before = round_up(reinterpret_cast<uintptr_t>(begin), kHugePage) - reinterpret_cast<uintptr_t>(begin);
  if (before > 0) ::munmap(begin, before);
  if (before < kHugePage) ::munmap(begin + before + size, kHugePage - before);
  // Advice only: nothing is wrong when the system does not take it. The last part would waste most of a huge page.
  (void)::madvise(begin + before, size / kHugePage * kHugePage, MADV_HUGEPAGE);
  return begin + before;
}

}  // namespace

std::byte* allocate_aligned(size_t bytes) {
  if (is_mapped(bytes)) return map_large(bytes);
  void* data = nullptr;
  if (::posix_memalign(&data, kLine, round_up(bytes == 0 ? 1 : bytes, kLine)) != 0) throw std::bad_alloc();
  return static_cast<std::byte*>(data);
}

void free_aligned(std::byte* data, size_t bytes) {
  if (is_mapped(bytes)) {
    ::munmap(data, round_up(bytes, kPage));
  } else {
    std::free(data);
  }
}

}  // namespace vivace
