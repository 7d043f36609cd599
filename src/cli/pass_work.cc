#include "cli/pass_work.h"

namespace vivace {
namespace {

// Weights of queries, keys, values and output of one layer.
double attention_weights(const EncoderInfo& model) {
  return 4.0 * model.hidden_size * model.hidden_size;
}

// Of one layer: two matrices, or three with a gate. Which, the number of all parameters tells.
double feed_forward_weights(const EncoderInfo& model, int decoder_layers) {
  const double matrix = static_cast<double>(model.hidden_size) * model.intermediate_size;
  const double layers = model.layers + decoder_layers;
  const double others = static_cast<double>(model.vocabulary_size) * model.hidden_size +
                        (layers + decoder_layers) * attention_weights(model);
  const double matrices = (static_cast<double>(model.parameters) - others) / (layers * matrix);
  return (matrices < 2.5 ? 2 : 3) * matrix;
}

PassWork reading_work(const EncoderInfo& model, std::span<const int> lengths, double feed_forward) {
  PassWork work;
  work.weights = model.layers * (attention_weights(model) + feed_forward);
  for (const int length : lengths) {
    // Each token with each: a product for the score, one for the mixture.
    const double attention = 4.0 * length * length * model.hidden_size * model.layers;
    work.operations += 2.0 * length * work.weights + attention;
  }
  return work;
}

}  // namespace

PassWork encoder_work(const EncoderInfo& model, std::span<const int> lengths) {
  return reading_work(model, lengths, feed_forward_weights(model, 0));
}

PassWork source_work(const EncoderDecoderInfo& model, int source_tokens) {
  PassWork work = reading_work(model.encoder, std::span(&source_tokens, 1),
                               feed_forward_weights(model.encoder, model.decoder_layers));
  const double keys_values = model.decoder_layers * attention_weights(model.encoder) / 2;
  work.weights += keys_values;
  work.operations += 2.0 * source_tokens * keys_values;
  return work;
}

PassWork decoder_step_work(const EncoderDecoderInfo& model, int source_tokens, int written) {
  const EncoderInfo& encoder = model.encoder;
  // Self-attention whole; of cross-attention queries and output, its keys and values are the source's.
  const double layer = 1.5 * attention_weights(encoder) + feed_forward_weights(encoder, model.decoder_layers);
  PassWork work;
  work.in_int8 = static_cast<double>(encoder.vocabulary_size) * encoder.hidden_size;
  work.in_int4 = model.decoder_layers * layer;
  work.weights = work.in_int4 + work.in_int8;
  const double keys = source_tokens + written + 1;
  work.operations = 2 * work.weights + 4 * keys * encoder.hidden_size * model.decoder_layers;
  return work;
}

}  // namespace vivace
