// Reads the parts of a tokenizer.json into plain structs, checked. A component that we do not know is refused by name
// (kUnsupported); wrong types are kInvalidArgument, and what contradicts itself is kCorruptFile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/added_tokens.h"
#include "text/bert_normalizer.h"
#include "text/tokenizer_overrides.h"
#include "text/wordpiece.h"

namespace vivace {

// Refuses a document of another version than 1.0.
Result<void> check_version(const JsonValue& root);

// A part that a file may leave out: null where it does.
JsonValue optional_part(const JsonValue& root, std::string_view key);

// normalizer: a BertNormalizer.
Result<BertNormalizerOptions> read_bert_options(const JsonValue& normalizer, const TokenizerOverrides& overrides = {});

struct WordPieceFile {
  std::vector<std::string> tokens;  // by id
  WordPieceOptions options;
};
Result<WordPieceFile> read_wordpiece(const JsonValue& model);
WordPiece make_wordpiece(const WordPieceFile& file);

// Appends tokens that the model's vocabulary lacks to *tokens.
Result<std::vector<AddedToken>> read_added_tokens(const JsonValue& root, const TokenizerOverrides& overrides,
                                                  std::vector<std::string>* tokens);

}  // namespace vivace
