// SentencePiece's own model file: the parts of its protobuf message that a tokenizer needs, read by hand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace vivace {

enum class SentencePieceType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct SentencePieceModel {
  struct Piece {
    std::string text;
    float score = 0;
    SentencePieceType type = SentencePieceType::kNormal;
  };
  std::vector<Piece> pieces;  // by id
  bool is_bpe = false;        // else Unigram
  std::string unk_piece = "<unk>";
  std::string charsmap;  // the table of text/precompiled.h; may be empty
};

// origin (the file's path) starts every message. kCorruptFile for what is no such message, or for pieces that are not
// UTF-8 or scores that are not numbers; kUnsupported for a model type other than Unigram and BPE.
Result<SentencePieceModel> read_sentencepiece_model(std::string_view bytes, std::string_view origin);

}  // namespace vivace
