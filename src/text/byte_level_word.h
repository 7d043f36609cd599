// A word that was never seen before, where a tokenizer does nothing but GPT-2's split and a model of bytes.
#pragma once

#include <string_view>

#include "text/token_model.h"
#include "text/word_cache.h"
#include "text/word_tokens.h"

namespace vivace {

// Appends the tokens of a word in which no added token can begin. model: of raw bytes (text/bpe.h). Its pieces are
// taken from the cache and put there like words, which they are where nothing else stands around them: the word itself
// is new, but seldom what it consists of.
void split_byte_level_word(std::string_view word, const TokenModel& model, WordCache* cache, WordTokens* tokens);

}  // namespace vivace
