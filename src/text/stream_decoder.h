// Text from tokens that come one by one, each part of it as soon as no later token can change it.
//   StreamDecoder stream = decoder.stream();
//   for (…) write(stream.push(token));
//   write(stream.finish());
// The parts together are decode() of all tokens; each is UTF-8, so no character is ever split. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/decoder_stage.h"

namespace vivace {

class StreamDecoder {
 public:
  explicit StreamDecoder(std::vector<std::unique_ptr<DecoderStage>> stages) : m_stages(std::move(stages)) {}

  // The text that became certain with this token (UTF-8, in its written form); often empty.
  std::string push(std::string_view token);
  // The rest. Nothing may be pushed afterwards.
  std::string finish();

 private:
  std::string run(std::vector<std::string> tokens, size_t first_stage);

  std::vector<std::unique_ptr<DecoderStage>> m_stages;
};

}  // namespace vivace
