// The package's BertNormalizer: cleaning, spaces around Chinese characters, canonical decomposition without accents,
// lowercase. It works on one code point at a time, so a text is normalised only as far as its tokens are wanted.
#pragma once

#include <cstdint>
#include <vector>

#include "text/unicode_tables.h"

namespace vivace {

struct BertNormalizerOptions {
  bool clean_text = false;
  bool handle_chinese_chars = false;
  bool strip_accents = false;
  bool lowercase = false;
};

// A code point of the normalised text, and the index of the one in the original text that the package aligns it to.
struct NormalizedChar {
  char32_t code_point;
  int32_t source;
};

// Combining characters that wait for their canonical order. Belongs to one text; reuse keeps its memory.
class ReorderBuffer {
 public:
  bool empty() const { return m_pending.empty(); }

 private:
  friend class BertNormalizer;
  struct Pending {
    char32_t code_point;
    uint32_t position;  // among the waiting: equal classes keep their order
    uint8_t combining_class;
    bool takes_source;  // false for the second and later code points of a decomposition
  };
  std::vector<Pending> m_pending;
  std::vector<int32_t> m_sources;  // of those that take one, in the order of the text
  int32_t m_last_source = 0;
};

class BertNormalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options) : m_options(options) {}

  const BertNormalizerOptions& options() const { return m_options; }

  // Appends to *out what is certain of the normalised text after one more code point; source is its index.
  void push(char32_t code_point, int32_t source, ReorderBuffer* buffer, std::vector<NormalizedChar>* out) const;
  // Appends what still waits: call it at the end of a text.
  void finish(ReorderBuffer* buffer, std::vector<NormalizedChar>* out) const;

 private:
  void decompose(char32_t code_point, int32_t source, ReorderBuffer* buffer, std::vector<NormalizedChar>* out) const;
  void reorder(char32_t code_point, int32_t source, ReorderBuffer* buffer, std::vector<NormalizedChar>* out) const;
  void emit(char32_t code_point, int32_t source, std::vector<NormalizedChar>* out) const;

  BertNormalizerOptions m_options;
};

}  // namespace vivace
