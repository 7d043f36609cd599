// Where a text may be cut into words that can be tokenized one by one, with the same tokens as the whole has: found out
// once for a tokenizer from its parts.
//
// A cut stands before a space that follows a plain character (ASCII, not blank, and none that the normaliser removes or
// makes a blank of) and is followed by an ASCII character. No grapheme, normal form or pattern of the parts that
// find_word_cuts() takes reaches over such a place, and their pre-tokenizers end a piece there.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"

namespace vivace {

struct WordCuts {
  // For words after the first, where the normaliser would strip the space that they begin with; nullptr: the usual one.
  std::unique_ptr<const Normalizer> normalizer;
  // The package's Precompiled moves all offsets behind a removed character that a text, or what follows an added token,
  // begins with: then offsets can only be had of the whole text.
  bool may_move_offsets = false;
  // Words become pieces by GPT-2's split alone (text/byte_level_split.h): all words, or those of ASCII, which no normal
  // form changes.
  bool is_byte_level = false;
  bool is_ascii_byte_level = false;
  std::array<bool, 256> plain{};      // characters that a cut may follow
  bool is_all_graphic_plain = false;  // '!' to '~', as most tokenizers have it
  std::array<bool, 256> blanks{};     // that it may stand before: the space, and the line feed where it is no matter
};

// root: a tokenizer.json, with its normaliser and its added tokens read; each pattern is what is looked for. nullopt
// where a part is not known to work word by word.
Result<std::optional<WordCuts>> find_word_cuts(const JsonValue& root, const Normalizer& normalizer,
                                               std::span<const AddedTokenMatcher::Pattern> added);

}  // namespace vivace
