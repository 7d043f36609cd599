#include "text/sentencepiece_model.h"

#include <bit>
#include <cmath>
#include <utility>

#include "base/utf8.h"
#include "text/protobuf_reader.h"

namespace vivace {
namespace {

// Field numbers of ModelProto and of the messages in it.
constexpr uint32_t kPieces = 1;
constexpr uint32_t kTrainerSpec = 2;
constexpr uint32_t kNormalizerSpec = 3;
constexpr uint32_t kPieceText = 1;
constexpr uint32_t kPieceScore = 2;
constexpr uint32_t kPieceType = 3;
constexpr uint32_t kModelType = 3;
constexpr uint32_t kUnkPiece = 45;
constexpr uint32_t kCharsmap = 2;
constexpr uint64_t kUnigram = 1;
constexpr uint64_t kBpe = 2;
constexpr uint64_t kLastPieceType = 6;

std::unexpected<Status> corrupt(std::string message) {
  return error(StatusCode::kCorruptFile, std::move(message));
}

Result<SentencePieceModel::Piece> read_piece(std::string_view message) {
  SentencePieceModel::Piece piece;
  for (ProtobufReader reader(message); !reader.at_end();) {
    ASSIGN_OR_RETURN(const ProtobufField field, reader.next());
    if (field.number == kPieceText && field.type == WireType::kBytes) piece.text = field.bytes;
    if (field.number == kPieceScore && field.type == WireType::kFixed32) {
      piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
    }
    if (field.number == kPieceType && field.type == WireType::kVarint) {
      if (field.value == 0 || field.value > kLastPieceType) return corrupt("a piece has no known type");
      piece.type = static_cast<SentencePieceType>(field.value);
    }
  }
  if (find_invalid_utf8(piece.text) != kValidUtf8) return corrupt("a piece is not UTF-8");
  if (!std::isfinite(piece.score)) return corrupt("the score of '" + printable(piece.text) + "' is no number");
  return piece;
}

Result<void> read_trainer_spec(std::string_view message, SentencePieceModel* model) {
  uint64_t type = kUnigram;
  for (ProtobufReader reader(message); !reader.at_end();) {
    ASSIGN_OR_RETURN(const ProtobufField field, reader.next());
    if (field.number == kModelType && field.type == WireType::kVarint) type = field.value;
    if (field.number == kUnkPiece && field.type == WireType::kBytes) model->unk_piece = field.bytes;
  }
  if (find_invalid_utf8(model->unk_piece) != kValidUtf8) return corrupt("the unknown piece is not UTF-8");
  model->is_bpe = type == kBpe;
  if (type == kUnigram || type == kBpe) return {};
  return error(StatusCode::kUnsupported, "model type " + std::to_string(type) +
                                             " is not supported, only Unigram (1) and BPE (2); save the tokenizer as "
                                             "tokenizer.json");
}

Result<std::string> read_charsmap(std::string_view message) {
  std::string charsmap;
  for (ProtobufReader reader(message); !reader.at_end();) {
    ASSIGN_OR_RETURN(const ProtobufField field, reader.next());
    if (field.number == kCharsmap && field.type == WireType::kBytes) charsmap = field.bytes;
  }
  return charsmap;
}

Result<SentencePieceModel> read_model(std::string_view bytes) {
  SentencePieceModel model;
  for (ProtobufReader reader(bytes); !reader.at_end();) {
    ASSIGN_OR_RETURN(const ProtobufField field, reader.next());
    if (field.type != WireType::kBytes) continue;
    if (field.number == kPieces) {
      ASSIGN_OR_RETURN(SentencePieceModel::Piece piece, read_piece(field.bytes));
      model.pieces.push_back(std::move(piece));
    } else if (field.number == kTrainerSpec) {
      RETURN_IF_ERROR(read_trainer_spec(field.bytes, &model));
    } else if (field.number == kNormalizerSpec) {
      ASSIGN_OR_RETURN(model.charsmap, read_charsmap(field.bytes));
    }
  }
  if (model.pieces.empty()) return corrupt("has no pieces");
  return model;
}

}  // namespace

Result<SentencePieceModel> read_sentencepiece_model(std::string_view bytes, std::string_view origin) {
  Result<SentencePieceModel> model = read_model(bytes);
  if (!model) return std::unexpected(model.error().with_context(origin));
  return model;
}

}  // namespace vivace
