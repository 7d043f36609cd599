// What the engine computes with: a packed batch in, rows of numbers out. Implemented over our own encoders and heads
// (heads/encoder_model.h) and over ONNX files (onnx/onnx_model.h).
#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "base/thread_pool.h"
#include "models/batch_forward.h"
#include "models/encoder.h"
#include "models/packed_batch.h"
#include "tensor/tensor_view.h"

namespace vivace {

// What a row of the output stands for.
enum class ModelOutput : uint8_t {
  kHiddenStates,      // one row a token, hidden_size columns
  kFirstHiddenState,  // one row a sequence: that of its first token
  kTokenLogits,       // one row a token, one column a label
  kMarkedLogits,      // one row for each of batch.marked, one column a vocabulary entry: masked language models
  kSequenceLogits,    // one row a sequence, one column a label
  kSequenceVector,    // one row a sequence: an ONNX file that pools inside
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const EncoderInfo& info() const = 0;
  // Columns of that output's rows; 0: the model does not give it.
  virtual int columns(ModelOutput output) const = 0;
  // The rows live in the workspace (or the model) until its next use. kInternal when a foreign runtime fails; our own
  // models cannot. Ids, types and positions are CHECKed against info(). One run at a time for each workspace.
  virtual Result<MatrixView<const float>> run(const PackedBatch& batch, ModelOutput output, ThreadPool& pool,
                                              ForwardWorkspace& workspace) const = 0;
};

}  // namespace vivace
