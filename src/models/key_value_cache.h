// The keys and values that attention has computed for some tokens, layer by layer, so that later tokens need not
// compute them again. Memory grows geometrically with the tokens. Not thread-safe while it changes.
#pragma once

#include "tensor/aligned_buffer.h"
#include "tensor/tensor_view.h"

namespace vivace {

class KeyValueCache {
 public:
  KeyValueCache() = default;
  // Empty. columns: of one token in one layer, its key and its value side by side.
  KeyValueCache(int layers, int columns) : m_layers(layers), m_columns(columns) {}

  int layers() const { return m_layers; }
  int tokens() const { return m_tokens; }
  size_t capacity_bytes() const { return m_data.bytes(); }

  // Adds `count` tokens whose rows are uninitialised until they are written through rows().
  void extend(int count);
  // Forgets all but the first `tokens` tokens (at most tokens() of them).
  void truncate(int tokens);
  // Becomes a copy of the tokens of a cache of the same shape.
  void copy_from(const KeyValueCache& other);

  // Tokens begin … end - 1 of a layer, [end - begin, columns]. Valid until the cache is extended or copied to.
  MatrixView<float> rows(int layer, int begin, int end);
  MatrixView<const float> all_rows(int layer) const;

 private:
  void reserve(int tokens);
  size_t offset(int layer, int token) const;

  int m_layers = 0;
  int m_columns = 0;
  int m_tokens = 0;
  int m_capacity = 0;           // tokens
  AlignedBuffer<float> m_data;  // [layers, capacity, columns]
};

}  // namespace vivace
