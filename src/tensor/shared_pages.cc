#include "tensor/shared_pages.h"

namespace vivace {
namespace {

constexpr size_t kLine = 64;
// Larger ones lose little by a last part without huge pages, and much of a region would stay unused behind others.
constexpr size_t kLargestShared = SharedPages::kRegionBytes / 4;

}  // namespace

AlignedBuffer<std::byte> SharedPages::allocate(size_t bytes) {
  if (!kMapsMemory || bytes > kLargestShared) return AlignedBuffer<std::byte>(bytes);
  if (m_region == nullptr || bytes > kRegionBytes - m_used) {
    m_region = std::make_shared<AlignedBuffer<std::byte>>(kRegionBytes);
    m_used = 0;
  }
  AlignedBuffer<std::byte> part(m_region, m_used, bytes);
  m_used += (bytes + kLine - 1) / kLine * kLine;
  return part;
}

}  // namespace vivace
