// Configuration of the T5 family: T5, T5 v1.1, CodeT5 and CodeT5+ of 220M.
#pragma once

#include "base/json.h"
#include "base/status.h"
#include "kernels/kernel_table.h"

namespace vivace {

enum class T5Direction : uint8_t { kBoth, kCausal };  // which keys a query sees: all, or those up to itself

struct T5Buckets {
  int count = 0;
  int max_distance = 0;  // from here on all distances share the last bucket
};

// The row of the table of position biases for a key `distance` = j - i tokens after its query.
int t5_bucket(const T5Buckets& buckets, T5Direction direction, int distance);

struct T5Config {
  int vocabulary_size = 0;
  int hidden_size = 0;
  int head_dim = 0;
  int heads = 0;
  int intermediate_size = 0;
  int encoder_layers = 0;
  int decoder_layers = 0;
  int max_tokens =
      0;  // of a source or a target. Positions are relative, so this is a limit of ours, not of the weights.
  double epsilon = 0;
  T5Buckets buckets;
  Activation activation = Activation::kRelu;
  bool gated = false;
  bool tied = true;  // the configuration's word for it; a checkpoint may still have an output matrix of its own
  bool scaled_logits = true;  // the decoder's states are divided by √hidden_size before the output matrix

  int inner_size() const { return heads * head_dim; }
};

Result<T5Config> read_t5_config(const JsonValue& config);

}  // namespace vivace
