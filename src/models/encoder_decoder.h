// What every encoder-decoder architecture is to the layers above: it reads sources once, then writes sequences token by
// token, each step taking the next tokens of several sequences and giving the logits of what may follow.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "models/encoder.h"
#include "models/key_value_cache.h"

namespace vivace {

struct EncoderDecoderInfo {
  EncoderInfo encoder;  // sizes of the encoder; parameters and bytes of the whole model
  int decoder_layers = 0;
  int max_target_tokens = 0;  // longest sequence that can be written, the start token included
};

// A source as the decoder sees it: keys and values for the cross-attention of each decoder layer. Immutable, and shared
// by all sequences that are written from it.
using EncodedSource = std::shared_ptr<const KeyValueCache>;

// A sequence being written: its source and the keys and values of what was fed so far. Moving one is cheap; copy with
// past.copy_from(), go back with past.truncate().
struct DecoderState {
  EncodedSource source;
  KeyValueCache past;
};

// What a step's logits are needed for.
enum class LogitUse : uint8_t {
  kAll,
  kHighest,  // only which is the highest: those that certainly are not may be -infinity
};

// The next tokens of one sequence: at least one, ids below vocabulary_size.
struct DecoderStep {
  DecoderState* state = nullptr;
  std::span<const int32_t> ids;
  LogitUse use = LogitUse::kAll;
  // kHighest: tokens that may be ruled out afterwards. They have their logits in any case, and so has the highest of
  // the others.
  std::span<const int32_t> apart{};
};

inline int count_rows(std::span<const DecoderStep> steps) {
  size_t rows = 0;
  for (const DecoderStep& step : steps) rows += step.ids.size();
  return static_cast<int>(rows);
}

class EncoderDecoder {
 public:
  virtual ~EncoderDecoder() = default;
  virtual const EncoderDecoderInfo& info() const = 0;

  // Reads packed sources, each of 1 to encoder.max_tokens tokens (CHECKed). The observer sees the encoder's layers.
  virtual std::vector<EncodedSource> encode(const ExecutionContext& context, const BatchSlice& sources,
                                            const LayerObserver* observer) const = 0;

  // The beginning of a sequence: nothing fed yet.
  virtual DecoderState start(EncodedSource source) const = 0;

  // Feeds each sequence its tokens, none past max_target_tokens (CHECKed), each state at most once.
  //   logits  [tokens of all steps, vocabulary_size] f32: row r scores what follows the r-th token fed; overwritten
  // A row has the same bits for one sequence or several, and for tokens fed at once or one by one; of
  // LogitUse::kHighest that holds for those that are not -infinity, and all that are as high as the highest are so.
  // Intermediate results live in context.scratch. Thread-safe for callers with contexts and states of their own.
  virtual void decode(const ExecutionContext& context, std::span<const DecoderStep> steps, MatrixView<float> logits,
                      const LayerObserver* observer) const = 0;
};

// Builds the model that the directory's config.json names. Errors as load_encoder()'s.
Result<std::unique_ptr<const EncoderDecoder>> load_encoder_decoder(const ModelDirectory& directory,
                                                                   const LoadTarget& target);

// Whether the directory holds such a model rather than its encoder alone: by its model_type and `architectures`,
// without looking at the weights.
bool writes_text(const ModelDirectory& directory);

}  // namespace vivace
