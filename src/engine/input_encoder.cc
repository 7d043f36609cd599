#include "engine/input_encoder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace vivace {
namespace {

TruncationSide side_to_cut(TooLong too_long, TruncationSide own) {
  if (too_long == TooLong::kTruncateStart) return TruncationSide::kLeft;
  return too_long == TooLong::kTruncateEnd ? TruncationSide::kRight : own;
}

std::unexpected<Status> is_empty(std::string_view name) {
  return error(StatusCode::kInvalidArgument, std::string(name) + " is empty");
}

}  // namespace

std::string input_name(std::string_view noun, size_t count, size_t index) {
  return count == 1 ? "the " + std::string(noun) : std::string(noun) + " " + std::to_string(index);
}

Result<void> require_some(std::string_view noun, size_t count) {
  if (count > 0) return {};
  return error(StatusCode::kInvalidArgument, "there is no " + std::string(noun) + "; send at least one");
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

InputEncoder::InputEncoder(const LoadedModel& model, TooLong too_long, EncodeOptions options)
    : m_model(model), m_too_long(too_long), m_options(options) {
  m_options.max_tokens = static_cast<size_t>(model.max_tokens);
  m_options.truncation_side = side_to_cut(too_long, model.truncation_side);
}

Result<TokenSequence> InputEncoder::encode(std::string_view name, std::string_view text) const {
  if (text.empty()) return is_empty(name);
  TokenSequence tokens;
  auto encoded = m_model.tokenizer->encode(text, m_options, &tokens);
  return checked(name, std::move(encoded), std::move(tokens));
}

Result<TokenSequence> InputEncoder::encode_pair(std::string_view name, std::string_view first,
                                                std::string_view second) const {
  if (first.empty() || second.empty()) return is_empty(name);
  TokenSequence tokens;
  auto encoded = m_model.tokenizer->encode_pair(first, second, m_options, &tokens);
  return checked(name, std::move(encoded), std::move(tokens));
}

Result<TokenSequence> InputEncoder::take_ids(std::string_view name, std::vector<int32_t> ids) const {
  if (ids.empty()) return is_empty(name);
  if (ids.size() > m_options.max_tokens) {
    return error(StatusCode::kTooLarge,
                 fmt::format("{} has {} tokens, the model takes {}", name, ids.size(), m_options.max_tokens));
  }
  const int32_t tokens = m_model.model->info().vocabulary_size;
  const auto unknown = std::ranges::find_if(ids, [tokens](int32_t id) { return id < 0 || id >= tokens; });
  if (unknown != ids.end()) {
    return error(StatusCode::kInvalidArgument,
                 fmt::format("{} has the token {}, the model knows 0 to {}", name, *unknown, tokens - 1));
  }
  TokenSequence sequence;
  sequence.type_ids.assign(ids.size(), 0);
  sequence.ids = std::move(ids);
  return sequence;
}

Result<TokenSequence> InputEncoder::checked(std::string_view name, Result<void> encoded, TokenSequence tokens) const {
  if (!encoded) return std::unexpected(std::move(encoded).error().with_context(name));
  if (tokens.ids.empty()) return error(StatusCode::kInvalidArgument, std::string(name) + " has no tokens");
  if (!m_model.gives_type_ids) std::ranges::fill(tokens.type_ids, 0);
  RETURN_IF_ERROR(check_types(tokens, m_model.model->info()));
  if (tokens.truncated && m_too_long == TooLong::kRefuse) {
    return error(StatusCode::kTooLarge, std::string(name) + " has more than the model's " +
                                            std::to_string(m_model.max_tokens) +
                                            " tokens; shorten it or allow truncation");
  }
  return tokens;
}

}  // namespace vivace
