// What every encoder architecture is to the layers above: packed tokens in, one hidden state a token out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "formats/model_directory.h"
#include "formats/weights.h"
#include "models/load_target.h"
#include "models/packed_batch.h"
#include "ops/execution_context.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct EncoderInfo {
  std::string architecture;  // config.json's model_type
  int layers = 0;
  int hidden_size = 0;
  int heads = 0;
  int intermediate_size = 0;
  int vocabulary_size = 0;
  int type_vocabulary_size = 0;
  int max_tokens = 0;  // longest sequence that the position embeddings allow
  size_t parameters = 0;
  size_t file_bytes = 0;    // of the weight files
  size_t packed_bytes = 0;  // of packed weights held in memory
  std::string weights_dtype;
  std::string head{};  // what a Model computes out of the hidden states, in words; empty: nothing
};

// Some sequences of a batch, seen in place.
struct BatchSlice {
  std::span<const int32_t> ids;
  std::span<const int32_t> positions;
  std::span<const int32_t> type_ids;
  std::span<const int32_t> offsets;  // [sequences + 1], from 0: relative to the slice's first token

  // Only the hidden states of each sequence's first token are wanted: those of the others may be left as they happen to
  // be, which saves most of the last layer. Without an observer only.
  bool first_tokens_only = false;

  int tokens() const { return static_cast<int>(ids.size()); }
};

// Called with layer 0 (the embeddings) and after each layer with its hidden states [tokens, hidden_size].
using LayerObserver = std::function<void(int layer, MatrixView<const float> hidden)>;

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual const EncoderInfo& info() const = 0;

  // Computes the last layer's hidden states.
  //   batch   ids below vocabulary_size, type ids below type_vocabulary_size, positions below max_tokens (CHECKed)
  //   hidden  [tokens, hidden_size] f32, overwritten
  // Intermediate results live in context.scratch[0]. Thread-safe for callers with contexts of their own. The observer,
  // if any, is called on the calling thread.
  virtual void forward(const ExecutionContext& context, const BatchSlice& batch, MatrixView<float> hidden,
                       const LayerObserver* observer) const = 0;
};

// Builds the encoder that the directory's config.json names and packs its weights for the given kernels and precision.
// kUnsupported (listing the known ones) for another architecture; kInvalidArgument for a configuration out of range;
// kCorruptFile listing missing, misshapen, unused or non-finite tensors.
Result<std::unique_ptr<const Encoder>> load_encoder(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
