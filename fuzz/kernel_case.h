// What the bytes of a fuzzer say about a call of a kernel: sizes, numbers, places in memory.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace vivace {

// Reads one byte after the other; behind the last there are zeros.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : m_bytes(bytes) {}
  uint8_t byte() { return m_next < m_bytes.size() ? m_bytes[m_next++] : 0; }
  int between(int lowest, int highest) {
    const int two = byte() * 256 + byte();
    return lowest + two % (highest - lowest + 1);
  }
  bool flag() { return (byte() & 1) != 0; }
  bool at_end() const { return m_next >= m_bytes.size(); }

 private:
  std::span<const uint8_t> m_bytes;
  size_t m_next = 0;
};

// Numbers of all sizes that a model has, from what is left of the bytes and, once those are used up, drawn on from
// them. Many are zero or small against the others, as trained weights and outliers are.
class NumberSource {
 public:
  explicit NumberSource(ByteReader& bytes) : m_bytes(bytes), m_exponent(bytes.between(-12, 6)) {}
  float next() {
    m_state = m_state * 6364136223846793005ULL + 1442695040888963407ULL + m_bytes.byte();
    const auto bits = static_cast<uint32_t>(m_state >> 33);
    if (bits % 16 == 0) return 0;
    const float fraction = static_cast<float>(bits >> 8) / 4194304.0F - 1.0F;
    const int exponent = bits % 64 == 1 ? m_exponent + 5 : m_exponent;
    return std::ldexp(fraction, exponent);
  }
  std::vector<float> take(size_t count) {
    std::vector<float> numbers(count);
    for (float& number : numbers) number = next();
    return numbers;
  }

 private:
  ByteReader& m_bytes;
  int m_exponent;
  uint64_t m_state = 1;
};

// An array of its own on the heap that begins `misalignment` values behind a cache line, and ends where the memory
// does: the address sanitizer sees the first value read or written behind it.
template <typename T>
class ExactArray {
 public:
  ExactArray(size_t size, size_t misalignment)
      : m_memory(static_cast<T*>(::operator new((size + misalignment) * sizeof(T), std::align_val_t(64)))),
        m_data(m_memory.get() + misalignment),
        m_size(size) {}
  ExactArray(std::span<const T> values, size_t misalignment) : ExactArray(values.size(), misalignment) {
    for (size_t i = 0; i < m_size; ++i) m_data[i] = values[i];
  }
  T* data() { return m_data; }
  const T* data() const { return m_data; }
  std::span<const T> values() const { return {m_data, m_size}; }

 private:
  struct Free {
    void operator()(T* memory) const { ::operator delete(memory, std::align_val_t(64)); }
  };
  std::unique_ptr<T, Free> m_memory;
  T* m_data;
  size_t m_size;
};

}  // namespace vivace
