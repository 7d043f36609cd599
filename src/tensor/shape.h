// The extents of a tensor, outermost first, at most kMaxRank of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/check.h"

namespace vivace {

class Shape {
 public:
  static constexpr size_t kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const int64_t> extents) : m_rank(extents.size()) {
    CHECK(m_rank <= kMaxRank);
    for (size_t i = 0; i < m_rank; ++i) m_extents[i] = extents[i];
  }

  size_t rank() const { return m_rank; }
  int64_t operator[](size_t axis) const {
    CHECK(axis < m_rank);
    return m_extents[axis];
  }
  // 1 for a scalar.
  int64_t elements() const {
    int64_t product = 1;
    for (size_t i = 0; i < m_rank; ++i) product *= m_extents[i];
    return product;
  }
  // "[30522, 384]"
  std::string to_string() const {
    std::string text = "[";
    for (size_t i = 0; i < m_rank; ++i) text += (i == 0 ? "" : ", ") + std::to_string(m_extents[i]);
    return text + "]";
  }
  bool operator==(const Shape&) const = default;

 private:
  std::array<int64_t, kMaxRank> m_extents{};
  size_t m_rank = 0;
};

}  // namespace vivace
