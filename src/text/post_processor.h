// What a tokenizer.json's post-processor makes of one text or two: the special tokens around them ([CLS] … [SEP]), the
// type ids, and the blanks that it cuts from the texts' offsets. Immutable, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/token_sequence.h"
#include "text/tokenizer.h"

namespace vivace {

struct TemplatePiece {
  enum class Kind : uint8_t { kSpecialToken, kFirstText, kSecondText };
  Kind kind = Kind::kSpecialToken;
  int32_t id = 0;  // of the special token
  int32_t type_id = 0;
  bool operator==(const TemplatePiece&) const = default;
};

// Blank characters (white space, or the byte-level alphabet's letter for a space) at both ends of a token.
struct TokenBlanks {
  uint32_t leading = 0;
  uint32_t trailing = 0;
  bool operator==(const TokenBlanks&) const = default;
};

// One run of the package's trim_offsets over a text's tokens.
struct OffsetTrim {
  bool add_prefix_space = false;  // a single blank before the text was put there: no offset counts it
  bool text_is_first = false;     // no special token stands before the text
};

// Each text stands in pieces exactly once.
struct TokenLayout {
  std::vector<TemplatePiece> pieces;
  std::array<std::vector<OffsetTrim>, 2> trims;  // for each text, applied in order

  size_t special_count() const;
};

// Moves offsets inwards over their tokens' blanks. blanks and offsets belong to the same tokens.
void trim_offsets(std::span<const OffsetTrim> trims, std::span<const TokenBlanks> blanks,
                  std::span<TokenOffset> offsets);

class PostProcessor {
 public:
  // root: a tokenizer.json. vocabulary_size: what ids must stay below, kCorruptFile otherwise. kUnsupported, naming the
  // component, for a processor or a chain of processors that we do not know.
  static Result<PostProcessor> read(const JsonValue& root, size_t vocabulary_size);

  const TokenLayout& single(SpecialTokens special_tokens) const { return m_single[index(special_tokens)]; }
  // nullptr when the file's template does not place both texts once.
  const TokenLayout* pair(SpecialTokens special_tokens) const {
    return m_pair ? &(*m_pair)[index(special_tokens)] : nullptr;
  }

 private:
  using Layouts = std::array<TokenLayout, 2>;
  static size_t index(SpecialTokens special_tokens) { return special_tokens == SpecialTokens::kAdd ? 0 : 1; }

  Layouts m_single;
  std::optional<Layouts> m_pair;
};

}  // namespace vivace
