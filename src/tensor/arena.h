// Memory for the intermediate results of one forward pass: allocation is a pointer bump, everything is freed at once.
// After the first passes at a given size it neither asks the system for memory nor touches a new page.
// Not thread-safe: each thread has its own.
#pragma once

#include <cstddef>
#include <vector>

#include "tensor/aligned_buffer.h"
#include "tensor/tensor_view.h"

namespace vivace {

class Arena {
 public:
  // Uninitialised, 64-byte aligned, valid until reset().
  float* floats(size_t count);
  // A matrix with dense rows.
  MatrixView<float> matrix(int rows, int columns) {
    return {floats(static_cast<size_t>(rows) * static_cast<size_t>(columns)), rows, columns, columns};
  }

  // Everything handed out while a Scope lives is free again when it ends.
  class Scope {
   public:
    explicit Scope(Arena& arena) : m_arena(arena), m_blocks(arena.m_blocks.size()), m_used(arena.m_used) {}
    ~Scope() {
      // A block that was added meanwhile stays in use until reset().
      if (m_arena.m_blocks.size() == m_blocks) m_arena.m_used = m_used;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& m_arena;
    size_t m_blocks;
    size_t m_used;
  };

  // Frees everything that was handed out. If it came from several blocks, one block of their total size replaces them.
  void reset();
  size_t capacity_bytes() const;

 private:
  std::vector<AlignedBuffer<float>> m_blocks;  // the last one is being used
  size_t m_used = 0;                           // floats of the last block
};

}  // namespace vivace
