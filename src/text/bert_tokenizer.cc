#include "text/bert_tokenizer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/bert_buffered_encoder.h"
#include "text/bert_encoder.h"
#include "text/text_check.h"
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

struct Patterns {
  std::vector<AddedTokenMatcher::Pattern> raw;
  std::vector<AddedTokenMatcher::Pattern> normalized;
};

Result<Patterns> make_patterns(const std::vector<AddedToken>& added, const BertNormalizer& normalizer,
                               const JsonValue& root) {
  Patterns patterns;
  for (const AddedToken& token : added) {
    if (!token.normalized) {
      patterns.raw.push_back({token.content, token});
      continue;
    }
    std::string form = normalized_form(normalizer, token.content);
    if (form.empty()) {
      return error(StatusCode::kUnsupported, root.path() + ": added_tokens: nothing of '" + printable(token.content) +
                                                 "' (id " + std::to_string(token.id) + ") is left by the normalizer");
    }
    patterns.normalized.push_back({std::move(form), token});
  }
  return patterns;
}

WordPiece make_model(const WordPieceFile& file) {
  std::vector<std::pair<std::string_view, int32_t>> keys;
  keys.reserve(file.tokens.size());
  for (size_t id = 0; id < file.tokens.size(); ++id) {
    if (!file.tokens[id].empty()) keys.emplace_back(file.tokens[id], static_cast<int32_t>(id));
  }
  return WordPiece(std::move(keys), file.options);
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> BertTokenizer::read(const JsonValue& root) {
  ASSIGN_OR_RETURN(const BertNormalizerOptions normalizer, read_normalizer(root));
  RETURN_IF_ERROR(check_pre_tokenizer(root));
  ASSIGN_OR_RETURN(const JsonValue model, root.get("model"));
  ASSIGN_OR_RETURN(WordPieceFile file, read_wordpiece(model));
  WordPiece wordpiece = make_model(file);
  ASSIGN_OR_RETURN(const std::vector<AddedToken> added, read_added_tokens(root, &file.tokens));
  ASSIGN_OR_RETURN(TemplateProcessor post_processor, read_post_processor(root, file.tokens.size()));
  ASSIGN_OR_RETURN(Patterns patterns, make_patterns(added, BertNormalizer(normalizer), root));
  BertPipeline pipeline(normalizer, std::move(wordpiece), AddedTokenMatcher(std::move(patterns.raw)),
                        AddedTokenMatcher(std::move(patterns.normalized)));
  return std::unique_ptr<const Tokenizer>(
      new BertTokenizer(Vocabulary(std::move(file.tokens)), std::move(pipeline), std::move(post_processor)));
}

BertTokenizer::BertTokenizer(Vocabulary vocabulary, BertPipeline pipeline, TemplateProcessor post_processor)
    : m_vocabulary(std::move(vocabulary)), m_pipeline(std::move(pipeline)), m_template(std::move(post_processor)) {}

Result<void> BertTokenizer::encode(std::string_view text, const EncodeOptions& options, TokenSequence* tokens) const {
  tokens->clear();
  RETURN_IF_ERROR(check_text(text));
  const bool with_special_tokens = options.special_tokens == SpecialTokens::kAdd;
  const bool with_offsets = options.offsets == Offsets::kKeep;
  const size_t added = with_special_tokens ? m_template.added_count() : 0;
  if (options.max_tokens != 0 && options.max_tokens < added) {
    return error(StatusCode::kInvalidArgument, "a limit of " + std::to_string(options.max_tokens) +
                                                   " tokens leaves no room for the " + std::to_string(added) +
                                                   " special tokens");
  }
  const auto add_template = [&](const std::vector<TemplateToken>& side) {
    for (const TemplateToken& token : side) {
      tokens->ids.push_back(token.id);
      tokens->type_ids.push_back(token.type_id);
      if (with_offsets) tokens->offsets.push_back({});
    }
  };
  if (with_special_tokens) add_template(m_template.before);
  const size_t limit =
      options.max_tokens == 0 ? SIZE_MAX : options.max_tokens - (with_special_tokens ? m_template.after.size() : 0);
  TokenWriter writer(tokens, limit, options.offsets);
  if (m_pipeline.normalized_added_tokens.empty()) {
    BertEncoder(m_pipeline, text, &writer).run();
  } else {
    const size_t stretch = std::max(kSmallestStretch, std::min(limit, text.size()) * kBytesPerToken);
    BertBufferedEncoder(m_pipeline, text, &writer, stretch).run();
  }
  tokens->type_ids.resize(tokens->ids.size(), m_template.text_type_id);
  if (with_special_tokens) add_template(m_template.after);
  return {};
}

}  // namespace vivace
