// From a checkpoint to the head of its task.
#pragma once

#include <string>

#include "base/status.h"
#include "formats/model_directory.h"
#include "heads/head.h"
#include "kernels/kernel_table.h"
#include "models/encoder.h"

namespace vivace {

struct LoadedHead {
  Head head;
  std::string description;  // "first token, pooler.dense, tanh, classifier"
  size_t parameters = 0;    // those that the encoder does not hold already
  size_t packed_bytes = 0;
};

// Reads the head of directory.task(), which is not kEmbedding, for an encoder of that description. kUnsupported for an
// architecture without heads; kCorruptFile, naming the tensors, when they are missing, misshapen or not finite, when a
// classifier has another number of rows than there are labels, or when a masked language model has neither an output
// layer nor a word embedding to serve as one.
Result<LoadedHead> load_head(const ModelDirectory& directory, const EncoderInfo& encoder, const LoadTarget& target);

}  // namespace vivace
