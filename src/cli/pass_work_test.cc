#include "cli/pass_work.h"

#include <gtest/gtest.h>

namespace vivace {
namespace {

EncoderInfo encoder(int layers, int hidden_size, int intermediate_size, int vocabulary_size) {
  EncoderInfo info;
  info.layers = layers;
  info.hidden_size = hidden_size;
  info.intermediate_size = intermediate_size;
  info.vocabulary_size = vocabulary_size;
  return info;
}

// all-MiniLM-L6-v2: 1.77 million weights a layer.
TEST(PassWork, OfABertEncoder) {
  EncoderInfo minilm = encoder(6, 384, 1536, 30522);
  minilm.parameters = 22'565'376;
  const int one[] = {128};
  const PassWork work = encoder_work(minilm, one);
  EXPECT_EQ(work.weights, 6 * (4 * 384 * 384 + 2 * 384 * 1536));
  EXPECT_EQ(work.operations, 128 * 2 * work.weights + 6.0 * 4 * 128 * 128 * 384);
  // Twice the sequences: twice the arithmetic, the same weights. One sequence twice as long: more of both kinds.
  const int two[] = {128, 128};
  EXPECT_EQ(encoder_work(minilm, two).operations, 2 * work.operations);
  EXPECT_EQ(encoder_work(minilm, two).weights, work.weights);
  const int longer[] = {256};
  EXPECT_GT(encoder_work(minilm, longer).operations, 2 * work.operations);
}

// ModernBERT-base has gates: 149 million parameters.
TEST(PassWork, OfAGatedEncoder) {
  EncoderInfo modernbert = encoder(22, 768, 1152, 50368);
  modernbert.parameters = 149'014'272;
  const int one[] = {3};
  EXPECT_EQ(encoder_work(modernbert, one).weights, 22 * (4 * 768 * 768 + 3 * 768 * 1152));
}

// CodeT5+ 220M: what a step reads is the decoder without its keys and values of the source, and the output matrix.
TEST(PassWork, OfADecoderStep) {
  EncoderDecoderInfo model{.encoder = encoder(12, 768, 3072, 32100), .decoder_layers = 12};
  model.encoder.parameters = 222'882'048;
  const double square = 768.0 * 768;
  EXPECT_EQ(decoder_step_work(model, 64, 0).weights, 12 * (6 * square + 8 * square) + 32100.0 * 768);
  EXPECT_EQ(decoder_step_work(model, 64, 0).in_int8, 32100.0 * 768);
  EXPECT_EQ(source_work(model, 64).in_int8, 0);
  EXPECT_EQ(decoder_step_work(model, 64, 0).in_int4, 12 * 14 * square);
  EXPECT_EQ(source_work(model, 64).in_int4, 0);
  EXPECT_EQ(decoder_step_work(model, 64, 9).operations - decoder_step_work(model, 64, 8).operations, 4.0 * 768 * 12);
  EXPECT_EQ(source_work(model, 64).weights, 12 * 12 * square + 12 * 2 * square);
}

// T5 v1.1 base: gates, and an output matrix of its own.
TEST(PassWork, OfAGatedDecoderStep) {
  EncoderDecoderInfo model{.encoder = encoder(12, 768, 2048, 32128), .decoder_layers = 12};
  model.encoder.parameters = 247'577'856;
  EXPECT_EQ(decoder_step_work(model, 64, 0).weights, 12 * (6.0 * 768 * 768 + 3 * 768 * 2048) + 32128.0 * 768);
}

}  // namespace
}  // namespace vivace
