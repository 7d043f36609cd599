// Texts of a request to tokens, with the checks that hold for every task.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/loaded_model.h"
#include "engine/request.h"

namespace vivace {

// "the text" of one, else "text 3".
std::string input_name(std::string_view noun, size_t count, size_t index);

// kInvalidArgument when a list is empty: "there is no text; send at least one".
Result<void> require_some(std::string_view noun, size_t count);

// kCorruptFile when tokens are of a segment that the model has no embedding for.
Result<void> check_types(const TokenSequence& tokens, const EncoderInfo& encoder);

class InputEncoder {
 public:
  // options.max_tokens is the model's.
  InputEncoder(const LoadedModel& model, TooLong too_long, EncodeOptions options = {});

  // `name` starts every message. kInvalidArgument for an empty text, invalid UTF-8 or a text without tokens; kTooLarge
  // for one longer than the model takes under TooLong::kRefuse; kCorruptFile when the tokenizer gives segments that the
  // model lacks.
  Result<TokenSequence> encode(std::string_view name, std::string_view text) const;
  // Tokens as they are. kInvalidArgument without any, or for one that is not in the vocabulary; kTooLarge for more than
  // the model takes.
  Result<TokenSequence> take_ids(std::string_view name, std::vector<int32_t> ids) const;
  Result<TokenSequence> encode_pair(std::string_view name, std::string_view first, std::string_view second) const;

 private:
  Result<TokenSequence> checked(std::string_view name, Result<void> encoded, TokenSequence tokens) const;
  const LoadedModel& m_model;
  TooLong m_too_long;
  EncodeOptions m_options;
};

}  // namespace vivace
