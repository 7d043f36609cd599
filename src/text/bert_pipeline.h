// The parts that turn a text into WordPiece tokens, and what is worked out from them once for ASCII bytes.
// Immutable, thread-safe.
#pragma once

#include <array>
#include <cstdint>

#include "text/added_tokens.h"
#include "text/bert_normalizer.h"
#include "text/wordpiece.h"

namespace vivace {

enum class ByteKind : uint8_t {
  kSlow,      // needs the whole machinery: not ASCII, removed by cleaning, or the start of an added token
  kLetter,    // continues a word
  kSpace,     // ends one
  kIsolated,  // ends one and is one
};

struct BertPipeline {
  BertPipeline(const BertNormalizerOptions& normalizer_options, WordPiece wordpiece, AddedTokenMatcher raw,
               AddedTokenMatcher normalized);

  BertNormalizer normalizer;
  WordPiece model;
  AddedTokenMatcher raw_added_tokens;         // looked for in the text as it is
  AddedTokenMatcher normalized_added_tokens;  // looked for in what the normaliser made of it

  std::array<ByteKind, 256> byte_kinds{};
  ByteFold letters{};                          // a kLetter's normalised byte; 0 for all others
  std::array<int32_t, 128> isolated_tokens{};  // a kIsolated's token

 private:
  void classify(uint8_t byte);
};

}  // namespace vivace
