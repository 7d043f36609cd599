// A step of a decoder: tokens in, tokens out, one at a time. What a later token may still change is kept back.
#pragma once

#include <string>
#include <vector>

namespace vivace {

class DecoderStage {
 public:
  virtual ~DecoderStage() = default;
  // Appends what is certain to *out.
  virtual void push(std::string token, std::vector<std::string>* out) = 0;
  // No more tokens come: appends the rest.
  virtual void finish(std::vector<std::string>* /*out*/) {}
};

}  // namespace vivace
