#include "heads/encoder_model.h"

#include <utility>

#include "heads/head_loading.h"

namespace vivace {
namespace {

ModelOutput output_of(HeadTokens tokens) {
  switch (tokens) {
    case HeadTokens::kEach: return ModelOutput::kTokenLogits;
    case HeadTokens::kMarked: return ModelOutput::kMarkedLogits;
    case HeadTokens::kFirst:
    case HeadTokens::kMean: break;
  }
  return ModelOutput::kSequenceLogits;
}

}  // namespace

EncoderModel::EncoderModel(std::unique_ptr<const Encoder> encoder, std::optional<Head> head, EncoderInfo info,
                           const KernelTable& kernels)
    : m_encoder(std::move(encoder)), m_head(std::move(head)), m_info(std::move(info)), m_kernels(kernels) {}

int EncoderModel::columns(ModelOutput output) const {
  if (output == ModelOutput::kHiddenStates || output == ModelOutput::kFirstHiddenState) return m_info.hidden_size;
  return m_head && output == output_of(m_head->tokens) ? m_head->output.weight.n() : 0;
}

Result<MatrixView<const float>> EncoderModel::run(const PackedBatch& batch, ModelOutput output, ThreadPool& pool,
                                                  ForwardWorkspace& workspace) const {
  CHECK(columns(output) > 0);
  const bool pools = output == ModelOutput::kFirstHiddenState;
  const bool first = pools || (output != ModelOutput::kHiddenStates && m_head->tokens == HeadTokens::kFirst);
  const MatrixView<const float> hidden =
      forward_batch(*m_encoder, m_kernels, batch, pool, workspace, first ? NeededTokens::kFirst : NeededTokens::kAll);
  if (output == ModelOutput::kHiddenStates) return hidden;
  const ExecutionContext context{&m_kernels, &pool, workspace.arenas()};
  return pools ? first_rows(context, batch, hidden) : run_head(context, *m_head, batch, hidden);
}

Result<std::unique_ptr<const Model>> load_encoder_model(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(std::unique_ptr<const Encoder> encoder, load_encoder(directory, target));
  EncoderInfo info = encoder->info();
  if (directory.task().task == ModelTask::kEmbedding) {
    return std::make_unique<const EncoderModel>(std::move(encoder), std::nullopt, std::move(info), target.kernels);
  }
  ASSIGN_OR_RETURN(LoadedHead loaded, load_head(directory, info, target));
  info.head = std::move(loaded.description);
  info.parameters += loaded.parameters;
  info.packed_bytes += loaded.packed_bytes;
  return std::make_unique<const EncoderModel>(std::move(encoder), std::move(loaded.head), std::move(info),
                                              target.kernels);
}

}  // namespace vivace
