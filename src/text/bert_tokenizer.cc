#include "text/bert_tokenizer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/added_patterns.h"
#include "text/bert_buffered_encoder.h"
#include "text/bert_encoder.h"
#include "text/token_writer.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

// With normalised added tokens, the first stretch of a text to look at for a limit of tokens: enough for most texts.
constexpr size_t kBytesPerToken = 16;
constexpr size_t kSmallestStretch = 4096;

std::string normalized_form(const BertNormalizer& normalizer, std::string_view text) {
  ReorderBuffer buffer;
  std::vector<NormalizedChar> characters;
  for (size_t position = 0; position < text.size();) {
    normalizer.push(next_code_point(text, &position), 0, &buffer, &characters);
  }
  normalizer.finish(&buffer, &characters);
  std::string form;
  for (const NormalizedChar& character : characters) append_utf8(character.code_point, &form);
  return form;
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> BertTokenizer::read(const JsonValue& root,
                                                             const TokenizerOverrides& overrides) {
  BertNormalizerOptions normalizer;
  if (const auto component = root.find("normalizer")) {
    ASSIGN_OR_RETURN(normalizer, read_bert_options(*component, overrides));
  }
  ASSIGN_OR_RETURN(const JsonValue model, root.get("model"));
  ASSIGN_OR_RETURN(WordPieceFile file, read_wordpiece(model));
  WordPiece wordpiece = make_wordpiece(file);
  ASSIGN_OR_RETURN(const std::vector<AddedToken> added, read_added_tokens(root, overrides, &file.tokens));
  const auto form = [bert = BertNormalizer(normalizer)](std::string_view content) -> Result<std::string> {
    return normalized_form(bert, content);
  };
  ASSIGN_OR_RETURN(AddedPatterns patterns, make_added_patterns(added, form, root));
  ASSIGN_OR_RETURN(SharedParts parts, read_shared(root, std::move(file.tokens), added, patterns));
  BertPipeline pipeline(normalizer, std::move(wordpiece), AddedTokenMatcher(std::move(patterns.raw)),
                        AddedTokenMatcher(std::move(patterns.normalized)));
  return std::unique_ptr<const Tokenizer>(new BertTokenizer(std::move(parts), std::move(pipeline)));
}

Result<void> BertTokenizer::run(std::string_view text, TokenWriter* writer) const {
  if (m_pipeline.normalized_added_tokens.empty()) {
    BertEncoder(m_pipeline, text, writer).run();
  } else {
    const size_t stretch = std::max(kSmallestStretch, std::min(writer->room(), text.size()) * kBytesPerToken);
    BertBufferedEncoder(m_pipeline, text, writer, stretch).run();
  }
  return {};
}

}  // namespace vivace
