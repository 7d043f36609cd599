#include "text/bert_pipeline.h"

#include <string>
#include <utility>
#include <vector>

#include "text/bert_pre_tokenizer.h"
#include "text/word_writer.h"

namespace vivace {

BertPipeline::BertPipeline(const BertNormalizerOptions& normalizer_options, WordPiece wordpiece, AddedTokenMatcher raw,
                           AddedTokenMatcher normalized)
    : normalizer(normalizer_options),
      model(std::move(wordpiece)),
      raw_added_tokens(std::move(raw)),
      normalized_added_tokens(std::move(normalized)) {
  for (uint8_t byte = 1; byte < 0x80; ++byte) classify(byte);  // 0 stays slow: letters uses it as "none"
}

void BertPipeline::classify(uint8_t byte) {
  ReorderBuffer buffer;
  std::vector<NormalizedChar> normal;
  normalizer.push(byte, 0, &buffer, &normal);
  normalizer.finish(&buffer, &normal);
  if (raw_added_tokens.may_start_with(byte) || normal.size() != 1 || normal[0].code_point >= 0x80) return;
  const uint8_t folded = static_cast<uint8_t>(normal[0].code_point);
  switch (bert_word_break(code_point_info(folded))) {
    case WordBreak::kSpace: byte_kinds[byte] = ByteKind::kSpace; break;
    case WordBreak::kInside:
      byte_kinds[byte] = ByteKind::kLetter;
      letters[byte] = folded;
      break;
    case WordBreak::kIsolated: {
      std::vector<WordPiece::Piece> pieces;
      const bool known = model.options().max_input_chars_per_word > 0 &&
                         model.split(std::string(1, static_cast<char>(folded)), identity_fold(), &pieces);
      byte_kinds[byte] = ByteKind::kIsolated;
      isolated_tokens[byte] = known ? pieces[0].id : model.options().unk_id;
      break;
    }
  }
}

}  // namespace vivace
