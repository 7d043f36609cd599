// Normalisers that look at one character at a time, or at the ends of the text. See normalizer.h.
#pragma once

#include <string>
#include <string_view>

#include "text/aligned_text.h"
#include "text/bert_normalizer.h"

namespace vivace {

enum class StripSide { kLeft, kRight, kBoth };

void lowercase(AlignedText* text);
void strip(StripSide side, AlignedText* text);
void strip_accents(AlignedText* text);
void clean_nmt(AlignedText* text);
void normalize_bert(const BertNormalizer& normalizer, AlignedText* text);
// Puts prefix before a text that is not empty.
void prepend(std::string_view prefix, AlignedText* text);
// Every byte becomes a character of text/byte_alphabet.h.
void map_bytes(AlignedText* text);

}  // namespace vivace
