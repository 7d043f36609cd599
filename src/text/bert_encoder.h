// One run over one text: words are normalised, split and looked up as they are met, so the work ends with the limit.
// Plain ASCII words go straight through the vocabulary's trie; everything else takes the way through the normaliser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/bert_pipeline.h"
#include "text/token_writer.h"
#include "text/word_writer.h"

namespace vivace {

class BertEncoder {
 public:
  // For pipelines without normalized_added_tokens. text is UTF-8 below 2 GiB; all must outlive the run.
  BertEncoder(const BertPipeline& pipeline, std::string_view text, TokenWriter* writer)
      : m_pipeline(pipeline),
        m_text(text),
        m_writer(*writer),
        m_words(pipeline.model, writer),
        m_added_tokens(pipeline.raw_added_tokens, text) {}

  void run();

 private:
  uint8_t byte_at(size_t position) const { return static_cast<uint8_t>(m_text[position]); }
  void take_ascii_word();
  void write_ascii_word(size_t begin, ByteTrie::Node node);
  void take_any_words();
  void finish_words();
  void drain();
  void take_added_token(AddedTokenMatch match);
  int32_t code_point_index(size_t position) const;

  const BertPipeline& m_pipeline;
  std::string_view m_text;
  TokenWriter& m_writer;
  WordWriter m_words;
  AddedTokenScanner m_added_tokens;
  ReorderBuffer m_reorder;
  std::vector<NormalizedChar> m_normalized;
  std::vector<WordPiece::Piece> m_pieces;
  size_t m_position = 0;  // bytes of the text that are done
  size_t m_skew = 0;      // m_position minus the code points in those bytes
};

}  // namespace vivace
