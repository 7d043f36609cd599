// The same run as BertEncoder's for tokenizers that look for added tokens in the normalised text, which therefore must
// be there before it is split. To keep the work bounded by the limit it normalises a stretch of the text, and a longer
// one only when the stretch's certain tokens were too few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/bert_pipeline.h"
#include "text/token_writer.h"
#include "text/word_writer.h"

namespace vivace {

class BertBufferedEncoder {
 public:
  // text is UTF-8 below 2 GiB; all must outlive the run. first_stretch: bytes to begin with, at least 1.
  BertBufferedEncoder(const BertPipeline& pipeline, std::string_view text, TokenWriter* writer, size_t first_stretch)
      : m_pipeline(pipeline),
        m_text(text),
        m_writer(*writer),
        m_words(pipeline.model, writer),
        m_added_tokens(pipeline.raw_added_tokens, text),
        m_first_stretch(first_stretch) {}

  void run();

 private:
  struct Stretch {
    size_t end = 0;
    bool cut = false;  // the text goes on: tokens near the end are not certain
    std::optional<AddedTokenMatch> added_token;
  };

  Stretch next_stretch(size_t length);
  void normalize(size_t end);
  size_t certain_end(bool cut) const;
  void encode_normalized(bool cut);
  void write_words(size_t begin, size_t end);
  void advance(size_t position);

  const BertPipeline& m_pipeline;
  std::string_view m_text;
  TokenWriter& m_writer;
  WordWriter m_words;
  AddedTokenScanner m_added_tokens;
  size_t m_first_stretch;
  size_t m_position = 0;           // bytes of the text that are done
  int32_t m_code_point_index = 0;  // and the code points in them
  std::string m_bytes;             // the stretch, normalised
  std::vector<int32_t> m_sources;  // of each of its bytes: index of the code point in the text
};

}  // namespace vivace
