// The package's normalisers: what is done to a text before added tokens in their normalised form are looked for and
// words are found. Immutable, thread-safe.
#pragma once

#include <memory>

#include "base/json.h"
#include "base/status.h"
#include "text/aligned_text.h"

namespace vivace {

class Normalizer {
 public:
  // The value of "normalizer" in a tokenizer.json; null leaves texts as they are. kUnsupported, naming the component,
  // for one that we do not know.
  static Result<std::unique_ptr<const Normalizer>> read(const JsonValue& normalizer);

  virtual ~Normalizer() = default;
  // Fails only where a regular expression gives up on the text.
  virtual Result<void> normalize(AlignedText* text) const = 0;
};

}  // namespace vivace
