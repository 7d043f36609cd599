// The package's pre-tokenizers: where a normalised text falls into the pieces that the model sees one by one.
// Immutable, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/aligned_text.h"

namespace vivace {

// A piece of a text: bytes [begin, end), not empty.
struct TextPiece {
  static constexpr int32_t kNotAdded = -1;
  size_t begin = 0;
  size_t end = 0;
  int32_t added_id = kNotAdded;  // the id of an added token; such pieces stay as they are
  bool is_added() const { return added_id != kNotAdded; }
};

// The pieces cover the text in order; what was removed from it stands in none.
struct PreTokenizedText {
  AlignedText text;
  std::vector<TextPiece> pieces;
};

class PreTokenizer {
 public:
  // The value of "pre_tokenizer" in a tokenizer.json; null makes no pieces. kUnsupported, naming the component, for one
  // that we do not know.
  static Result<std::unique_ptr<const PreTokenizer>> read(const JsonValue& pre_tokenizer);

  virtual ~PreTokenizer() = default;
  // Fails only where a regular expression gives up on the text.
  virtual Result<void> split(PreTokenizedText* text) const = 0;
  // Where the last step maps bytes to the byte-level alphabet: the same without that step, for models that take bytes.
  // nullptr for all others.
  virtual std::unique_ptr<const PreTokenizer> without_byte_map() const { return nullptr; }
};

}  // namespace vivace
