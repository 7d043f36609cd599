#include "engine/embedding_pipeline.h"

#include <algorithm>
#include <utility>

#include "heads/pooling.h"

namespace vivace {
namespace {

int smallest_limit(const ModelDirectory& directory, const Encoder& encoder) {
  int limit = encoder.info().max_tokens;
  if (directory.tokenizer_max_tokens()) limit = std::min(limit, *directory.tokenizer_max_tokens());
  const auto& sentence = directory.sentence_embedding();
  if (sentence && sentence->max_tokens) limit = std::min(limit, *sentence->max_tokens);
  return limit;
}

std::string known_prompts(const SentenceEmbeddingConfig& config) {
  std::string names;
  for (const auto& [name, text] : config.prompts) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "it has none" : "known: " + names;
}

// A template may give texts a segment that the model has no embedding for. Models without segments (size 0) ignore
// them.
Result<void> check_types(const TokenSequence& tokens, const EncoderInfo& encoder) {
  if (encoder.type_vocabulary_size == 0 || tokens.type_ids.empty()) return {};
  const int32_t largest = *std::ranges::max_element(tokens.type_ids);
  if (largest < encoder.type_vocabulary_size) return {};
  return error(StatusCode::kCorruptFile, "the tokenizer gives tokens the segment " + std::to_string(largest) +
                                             ", the model has " + std::to_string(encoder.type_vocabulary_size));
}

std::string text_name(const EmbedRequest& request, size_t index) {
  return request.texts.size() == 1 ? "the text" : "text " + std::to_string(index);
}

}  // namespace

Result<EmbeddingPipeline> EmbeddingPipeline::load(const ModelDirectory& directory, const KernelTable& kernels) {
  EmbeddingPipeline pipeline;
  ASSIGN_OR_RETURN(pipeline.m_tokenizer, Tokenizer::from_file(directory.tokenizer_path()));
  ASSIGN_OR_RETURN(pipeline.m_encoder, load_encoder(directory, kernels));
  const auto vocabulary = static_cast<size_t>(pipeline.m_encoder->info().vocabulary_size);
  if (pipeline.m_tokenizer->vocabulary_size() > vocabulary) {
    return error(StatusCode::kCorruptFile, directory.path() + ": the tokenizer has ids up to " +
                                               std::to_string(pipeline.m_tokenizer->vocabulary_size() - 1) +
                                               ", the model only embeds " + std::to_string(vocabulary) + " ids");
  }
  pipeline.m_config = directory.sentence_embedding().value_or(SentenceEmbeddingConfig{});
  pipeline.m_kernels = &kernels;
  pipeline.m_max_tokens = smallest_limit(directory, *pipeline.m_encoder);
  return pipeline;
}

Result<std::string> EmbeddingPipeline::prompt(const EmbedRequest& request) const {
  const std::string name = request.prompt_name.value_or(m_config.default_prompt_name);
  if (name.empty()) return std::string();
  const auto found = m_config.prompts.find(name);
  if (found == m_config.prompts.end()) {
    return error(StatusCode::kInvalidArgument,
                 "the model has no prompt named '" + name + "'; " + known_prompts(m_config));
  }
  return found->second;
}

Result<std::vector<TokenSequence>> EmbeddingPipeline::tokenize(const EmbedRequest& request) const {
  const int hidden_size = m_encoder->info().hidden_size;
  if (request.texts.empty()) return error(StatusCode::kInvalidArgument, "there is no text; send at least one");
  if (request.dimensions && (*request.dimensions < 1 || *request.dimensions > hidden_size)) {
    return error(StatusCode::kInvalidArgument, "dimensions is " + std::to_string(*request.dimensions) +
                                                   ", the model can give 1 to " + std::to_string(hidden_size));
  }
  ASSIGN_OR_RETURN(const std::string prompt_text, prompt(request));
  EncodeOptions options;
  options.max_tokens = static_cast<size_t>(m_max_tokens);
  std::vector<TokenSequence> sequences(request.texts.size());
  for (size_t i = 0; i < sequences.size(); ++i) {
    const std::string& text = request.texts[i];
    if (text.empty()) return error(StatusCode::kInvalidArgument, text_name(request, i) + " is empty");
    const auto encoded = prompt_text.empty() ? m_tokenizer->encode(text, options, &sequences[i])
                                             : m_tokenizer->encode(prompt_text + text, options, &sequences[i]);
    if (!encoded) return std::unexpected(encoded.error().with_context(text_name(request, i)));
    if (sequences[i].ids.empty()) {
      return error(StatusCode::kInvalidArgument, text_name(request, i) + " has no tokens");
    }
    RETURN_IF_ERROR(check_types(sequences[i], m_encoder->info()));
    if (sequences[i].truncated && request.too_long == TooLong::kRefuse) {
      return error(StatusCode::kTooLarge, text_name(request, i) + " has more than the model's " +
                                              std::to_string(m_max_tokens) + " tokens; shorten it or allow truncation");
    }
  }
  return sequences;
}

TextEmbedding EmbeddingPipeline::finish(const EmbedRequest& request, const TokenSequence& tokens,
                                        MatrixView<const float> hidden) const {
  const PoolingMode mode = request.pooling.value_or(m_config.pooling);
  const auto columns = static_cast<size_t>(hidden.columns);
  const size_t vectors = mode == PoolingMode::kNone ? static_cast<size_t>(hidden.rows) : 1;
  TextEmbedding embedding;
  embedding.tokens = static_cast<int>(tokens.ids.size());
  embedding.truncated = tokens.truncated;
  embedding.values.resize(columns * vectors);
  pool_tokens(*m_kernels, hidden, mode, embedding.values);
  const size_t kept = request.dimensions ? static_cast<size_t>(*request.dimensions) : columns;
  if (kept < columns) {
    for (size_t v = 1; v < vectors; ++v) {
      std::copy_n(embedding.values.begin() + static_cast<ptrdiff_t>(v * columns), kept,
                  embedding.values.begin() + static_cast<ptrdiff_t>(v * kept));
    }
    embedding.values.resize(kept * vectors);
  }
  // Token vectors are left as the model gives them unless the caller asks: the model's own setting means its one
  // vector.
  if (request.normalize.value_or(m_config.normalize && mode != PoolingMode::kNone)) {
    for (size_t v = 0; v < vectors; ++v) normalize_l2(*m_kernels, std::span(embedding.values).subspan(v * kept, kept));
  }
  return embedding;
}

}  // namespace vivace
