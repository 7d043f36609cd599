// A Model out of one of our encoders and, where the checkpoint has one that we compute, its head.
#pragma once

#include <memory>
#include <optional>

#include "base/status.h"
#include "formats/model_directory.h"
#include "heads/head.h"
#include "kernels/kernel_table.h"
#include "models/model.h"

namespace vivace {

class EncoderModel final : public Model {
 public:
  // A head gives kMarkedLogits (HeadTokens::kMarked), kTokenLogits (kEach) or kSequenceLogits. info describes both.
  EncoderModel(std::unique_ptr<const Encoder> encoder, std::optional<Head> head, EncoderInfo info,
               const KernelTable& kernels);

  const EncoderInfo& info() const override { return m_info; }
  int columns(ModelOutput output) const override;
  Result<MatrixView<const float>> run(const PackedBatch& batch, ModelOutput output, ThreadPool& pool,
                                      ForwardWorkspace& workspace) const override;

 private:
  std::unique_ptr<const Encoder> m_encoder;
  std::optional<Head> m_head;
  EncoderInfo m_info;
  const KernelTable& m_kernels;
};

// Loads the encoder and the head of the directory's task. The errors of load_encoder() and load_head().
Result<std::unique_ptr<const Model>> load_encoder_model(const ModelDirectory& directory, const LoadTarget& target);

}  // namespace vivace
