#include "tensor/arena.h"

#include <algorithm>

namespace vivace {
namespace {

constexpr size_t kLineFloats = 16;
constexpr size_t kSmallestBlock = size_t{64} << 10;

}  // namespace

float* Arena::floats(size_t count) {
  const size_t rounded = (count + kLineFloats - 1) / kLineFloats * kLineFloats;
  if (m_blocks.empty() || m_used + rounded > m_blocks.back().size()) {
    m_blocks.emplace_back(std::max(rounded, kSmallestBlock));
    m_used = 0;
  }
  float* data = m_blocks.back().data() + m_used;
  m_used += rounded;
  return data;
}

void Arena::reset() {
  m_used = 0;
  if (m_blocks.size() <= 1) return;
  size_t total = 0;
  for (const auto& block : m_blocks) total += block.size();
  m_blocks.clear();
  m_blocks.emplace_back(total);
}

size_t Arena::capacity_bytes() const {
  size_t total = 0;
  for (const auto& block : m_blocks) total += block.bytes();
  return total;
}

}  // namespace vivace
