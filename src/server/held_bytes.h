// What one connection holds of request and answer bodies, as part of what all of them hold.
#pragma once

#include <cstddef>
#include <cstdint>

#include "telemetry/metrics.h"

namespace vivace {

class HeldBytes {
 public:
  explicit HeldBytes(Gauge& all) : m_all(all) {}
  ~HeldBytes() { set(0); }
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  void set(size_t bytes) {
    m_all.add(static_cast<int64_t>(bytes) - static_cast<int64_t>(m_own));
    m_own = bytes;
  }
  void add(size_t bytes) { set(m_own + bytes); }
  size_t own() const { return m_own; }
  size_t all() const { return static_cast<size_t>(m_all.value()); }

 private:
  Gauge& m_all;
  size_t m_own = 0;
};

}  // namespace vivace
