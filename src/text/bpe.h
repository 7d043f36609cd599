// The package's BPE model, over characters or over the bytes that byte-level vocabularies spell.
//
// Token offsets are the package's: it adds up the lengths of the symbols, so after a character without token (no
// unk_token) or after mixed unknown characters and bytes they may be off, or within a character, but never past the
// end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/token_model.h"

namespace vivace {

// Pieces are text as the vocabulary spells it. *tokens: the vocabulary by id.
//
// Errors: kCorruptFile for a vocabulary with holes, a merge whose parts or result are not in it, an unk_token that is
// not; kUnsupported for dropout, and for byte_fallback together with a prefix or suffix.
Result<std::unique_ptr<const TokenModel>> read_bpe(const JsonValue& model, std::vector<std::string>* tokens);

// Pieces are raw bytes (any, not only UTF-8), begin and end count them; the vocabulary spells them in the characters of
// text/byte_alphabet.h. For pipelines whose ByteLevel step is the last before the model: the same tokens as read_bpe's
// model gives for the mapped piece, without the mapping. kUnsupported also for byte_fallback, a prefix or a suffix.
Result<std::unique_ptr<const TokenModel>> read_byte_level_bpe(const JsonValue& model, std::vector<std::string>* tokens);

}  // namespace vivace
