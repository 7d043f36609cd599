#include "models/t5_encoder.h"

#include <utility>

#include "models/t5_layers.h"
#include "ops/embedding.h"

namespace vivace {
namespace {

class T5Encoder final : public Encoder {
 public:
  T5Encoder(EncoderInfo info, const T5Config& config, AlignedBuffer<float> words, T5EncoderStack stack)
      : m_info(std::move(info)), m_config(config), m_words(std::move(words)), m_stack(std::move(stack)) {}

  const EncoderInfo& info() const override { return m_info; }

  void forward(const ExecutionContext& context, const BatchSlice& batch, MatrixView<float> hidden,
               const LayerObserver* observer) const override {
    CHECK(hidden.rows == batch.tokens() && hidden.columns == m_config.hidden_size);
    const EmbeddingLookup words{{m_words.data(), m_config.vocabulary_size, m_config.hidden_size, m_config.hidden_size},
                                batch.ids};
    sum_embeddings(context, std::span(&words, 1), hidden);
    m_stack.forward(context, batch.offsets, m_config, hidden, observer);
  }

 private:
  EncoderInfo m_info;
  T5Config m_config;
  AlignedBuffer<float> m_words;
  T5EncoderStack m_stack;
};

}  // namespace

Result<std::unique_ptr<const Encoder>> load_t5_encoder(const ModelDirectory& directory, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const T5Config config, read_t5_config(directory.config()));
  ASSIGN_OR_RETURN(const WeightFiles files, open_weights(directory.path(), target));
  WeightLoader weights(files);
  const WeightScope root = weights.root();
  // The decoder, heads, and copies of the words' table that some files carry along.
  for (const char* name :
       {"decoder.", "lm_head.", "classifier.", "classification_head.", "qa_outputs.", "encoder.embed_tokens."}) {
    weights.ignore(name);
  }
  LayerLoader load(weights, target, config.hidden_size);
  const bool has_shared = root.has("shared.weight");
  AlignedBuffer<float> words = load.table(root, has_shared ? "shared.weight" : "encoder.embed_tokens.weight",
                                          config.vocabulary_size, config.hidden_size);
  T5EncoderStack stack = T5EncoderStack::load(load, root.scope("encoder"), config);
  RETURN_IF_ERROR(weights.finish());
  stack.prepare(config);
  return std::make_unique<const T5Encoder>(t5_info(config, load, files), config, std::move(words), std::move(stack));
}

}  // namespace vivace
