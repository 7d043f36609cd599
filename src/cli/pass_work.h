// How much a pass over a model has to do at least: arithmetic of its linear layers and attention (the rest is a few
// percent), and each weight read once. Pure.
#pragma once

#include <span>

#include "models/encoder_decoder.h"

namespace vivace {

struct PassWork {
  double operations = 0;  // multiplications and additions
  double weights = 0;     // values that must be read
  double in_int4 = 0;     // of them those of decoder layers, which int4 keeps in 4 bits and a factor of 8 for 32
  double in_int8 = 0;     // of them those that need not be read in more than a byte in any precision
};

// Reading sequences of those lengths.
PassWork encoder_work(const EncoderInfo& model, std::span<const int> lengths);

// Reading one source of that length, also by the decoder's cross-attention.
PassWork source_work(const EncoderDecoderInfo& model, int source_tokens);

// Writing the likeliest token after `written` ones. The copy in int8 of the output matrix finds it.
PassWork decoder_step_work(const EncoderDecoderInfo& model, int source_tokens, int written);

}  // namespace vivace
