#include "models/key_value_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace vivace {
namespace {

constexpr int kFirstCapacity = 32;

}  // namespace

size_t KeyValueCache::offset(int layer, int token) const {
  const auto row = static_cast<size_t>(layer) * static_cast<size_t>(m_capacity) + static_cast<size_t>(token);
  return row * static_cast<size_t>(m_columns);
}

void KeyValueCache::reserve(int tokens) {
  if (tokens <= m_capacity) return;
  KeyValueCache larger(m_layers, m_columns);
  larger.m_capacity = std::max({tokens, kFirstCapacity, 2 * m_capacity});
  larger.m_data = AlignedBuffer<float>(larger.offset(m_layers, 0));
  for (int layer = 0; layer < m_layers; ++layer) {
    std::copy_n(m_data.data() + offset(layer, 0), offset(0, m_tokens), larger.m_data.data() + larger.offset(layer, 0));
  }
  larger.m_tokens = m_tokens;
  *this = std::move(larger);
}

void KeyValueCache::extend(int count) {
  CHECK(count >= 0);
  reserve(m_tokens + count);
  m_tokens += count;
}

void KeyValueCache::truncate(int tokens) {
  CHECK(tokens >= 0 && tokens <= m_tokens);
  m_tokens = tokens;
}

void KeyValueCache::copy_from(const KeyValueCache& other) {
  CHECK(this != &other && other.m_layers == m_layers && other.m_columns == m_columns);
  m_tokens = 0;
  extend(other.m_tokens);
  for (int layer = 0; layer < m_layers; ++layer) {
    std::copy_n(other.m_data.data() + other.offset(layer, 0), offset(0, m_tokens), m_data.data() + offset(layer, 0));
  }
}

MatrixView<float> KeyValueCache::rows(int layer, int begin, int end) {
  CHECK(layer >= 0 && layer < m_layers && begin >= 0 && begin <= end && end <= m_tokens);
  return {m_data.data() + offset(layer, begin), end - begin, m_columns, m_columns};
}

MatrixView<const float> KeyValueCache::all_rows(int layer) const {
  CHECK(layer >= 0 && layer < m_layers);
  return {m_data.data() + offset(layer, 0), m_tokens, m_columns, m_columns};
}

}  // namespace vivace
