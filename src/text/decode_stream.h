// Text from token ids that come one by one: what Tokenizer::decode() gives for all of them, each part of it as soon as
// no later id can change it. A step costs what its own token does, whatever came before.
//   DecodeStream stream = tokenizer.decode_stream(SkipSpecialTokens::kYes);
//   for (…) write(stream.push(id));
//   write(stream.finish());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "text/stream_decoder.h"

namespace vivace {

enum class SkipSpecialTokens { kNo, kYes };

// What ids are called in front of a decoder.
class TokenNames {
 public:
  virtual ~TokenNames() = default;
  // Nothing for a token that is left out; kInvalidArgument for an id without token.
  virtual Result<std::optional<std::string_view>> decoded_name(int32_t id, SkipSpecialTokens skip) const = 0;
};

class DecodeStream {
 public:
  // names must outlive the stream.
  DecodeStream(const TokenNames& names, SkipSpecialTokens skip, StreamDecoder decoder)
      : m_names(&names), m_skip(skip), m_decoder(std::move(decoder)) {}

  // The text that became certain with this id: UTF-8, often empty. An id without token is kInvalidArgument and changes
  // nothing.
  Result<std::string> push(int32_t id) {
    ASSIGN_OR_RETURN(const std::optional<std::string_view> name, m_names->decoded_name(id, m_skip));
    return name ? m_decoder.push(*name) : std::string();
  }
  // The rest. Nothing may be pushed afterwards.
  std::string finish() { return m_decoder.finish(); }

 private:
  const TokenNames* m_names;
  SkipSpecialTokens m_skip;
  StreamDecoder m_decoder;
};

}  // namespace vivace
