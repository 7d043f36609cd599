// Tokens back to text: the decoder of a tokenizer.json, whole or token by token.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/decoder_stage.h"
#include "text/stream_decoder.h"

namespace vivace {

// Immutable, thread-safe.
class Decoder {
 public:
  // Makes a stage in its first state.
  using MakeStage = std::function<std::unique_ptr<DecoderStage>()>;

  // decoder: the member of the document, null when it has none (then tokens stand with a blank between them).
  // kUnsupported, naming the component, for one that we do not know; kInvalidArgument for wrong members.
  static Result<std::unique_ptr<const Decoder>> read(const JsonValue& decoder);

  // The text of tokens in their written form ("##ing"), UTF-8: what the package's decoder gives.
  std::string decode(std::span<const std::string> tokens) const;
  // The same token by token. The decoder must outlive it.
  StreamDecoder stream() const;

 private:
  explicit Decoder(std::vector<MakeStage> stages) : m_stages(std::move(stages)) {}

  std::vector<MakeStage> m_stages;
};

}  // namespace vivace
