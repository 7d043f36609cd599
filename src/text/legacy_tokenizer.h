// Model directories without tokenizer.json: what transformers' tokenizer classes make of vocab.txt (BERT, DistilBERT,
// MPNet), vocab.json with merges.txt (RoBERTa, CodeT5), spiece.model (T5), sentencepiece.bpe.model (XLM-R, CamemBERT),
// spm.model (DeBERTa-v2 and -v3) or tokenizer.model (Llama), as the text of a tokenizer.json.
//
// A BPE model in the files of a class that has Unigram ones otherwise is read as what it is; transformers 5 takes its
// ranks for Unigram scores, so there the reference is the sentencepiece package.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

// model_type: config.json's; a tokenizer_class in tokenizer_config.json counts more. kNotFound when the directory has
// none of the files, kUnsupported for a class that we do not know, otherwise the errors of the files.
Result<std::string> legacy_tokenizer_json(const std::string& directory, std::string_view model_type);

// The readers for each kind of files.
Result<std::string> legacy_word_piece_json(const std::string& directory, std::string_view tokenizer_class);
Result<std::string> legacy_byte_level_json(const std::string& directory);
Result<std::string> legacy_sentencepiece_json(const std::string& path, std::string_view tokenizer_class);

}  // namespace vivace
