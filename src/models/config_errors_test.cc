// What encoders say to configurations that are out of range or ask for what there is not, and to broken checkpoints.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/registry.h"
#include "models/golden_testing.h"

namespace vivace {
namespace {

struct BadConfig {
  const char* golden;
  const char* key;
  const char* value;  // JSON; replaces the key's value or is added
  const char* message;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A golden's checkpoint with one value of its configuration changed.
std::string changed_directory(const BadConfig& bad) {
  const std::filesystem::path directory = std::filesystem::path(testing::TempDir()) /
                                          ("bad-config-" + std::to_string(std::hash<std::string>{}(bad.golden)));
  std::filesystem::create_directories(directory);
  std::filesystem::copy_file(golden_path(bad.golden) + "/model.safetensors", directory / "model.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  std::string config = read_file(golden_path(bad.golden) + "/config.json");
  const std::string key = std::string("\"") + bad.key + "\"";
  const size_t found = config.find(key);
  if (found != std::string::npos) config.replace(found, key.size(), "\"unused\"");
  config.insert(1, key + ": " + bad.value + ",");
  std::ofstream(directory / "config.json") << config;
  return directory.string();
}

class BadConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedWithItsReason) {
  const auto directory = ModelDirectory::open(changed_directory(GetParam()));
  ASSERT_TRUE(directory.has_value()) << directory.error().message;
  const auto encoder = load_encoder(*directory, *kernel_tables()[0].table);
  ASSERT_FALSE(encoder.has_value());
  EXPECT_THAT(encoder.error().message, testing::HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Encoders, BadConfigTest,
    testing::Values(
        BadConfig{"distilbert", "n_heads", "5", "is not a multiple of n_heads 5"},
        BadConfig{"distilbert", "activation", "\"mish\"", "known: gelu, gelu_new"},
        BadConfig{"distilbert", "max_position_embeddings", "1000000",
                  "'distilbert.embeddings.position_embeddings.weight'"},
        BadConfig{"distilbert", "max_position_embeddings", "100000000000", "max_position_embeddings"},
        BadConfig{"distilbert", "n_layers", "3", "'distilbert.transformer.layer.2.attention.q_lin.weight' is missing"},
        BadConfig{"distilbert", "n_layers", "1", "no use for it"},
        BadConfig{"roberta", "pad_token_id", "97", "pad_token_id"},
        BadConfig{"roberta", "max_position_embeddings", "2", "leaves no position"},
        BadConfig{"roberta", "position_embedding_type", "\"relative_key\"", "known: absolute"},
        BadConfig{"roberta", "layer_norm_eps", "-1", "layer_norm_eps must be"},
        BadConfig{"mpnet", "relative_attention_num_buckets", "8", "relative_attention_num_buckets"},
        BadConfig{"mpnet", "max_position_embeddings", "1000000", "position_embeddings.weight"},
        BadConfig{"deberta-v3", "pos_att_type", "[\"c2p\", \"p2p\"]", "pos_att_type 'p2p' is not supported"},
        BadConfig{"deberta-v3", "pos_att_type", "\"c2p|x\"", "pos_att_type 'x' is not supported"},
        BadConfig{"deberta-v3", "position_buckets", "1", "position_buckets 1 must be"},
        BadConfig{"deberta-v3", "max_relative_positions", "7", "less than max_relative_positions 7"},
        BadConfig{"deberta-v3", "max_position_embeddings", "1000000", "max_position_embeddings"},
        BadConfig{"deberta-v3", "embedding_size", "24", "embedding_size 24 is not supported"},
        BadConfig{"deberta-v3", "norm_rel_ebd", "\"batch_norm\"", "known: none, layer_norm"},
        BadConfig{"deberta-v3", "share_att_key", "false", "pos_key_proj.weight' is missing"},
        BadConfig{"deberta-v2", "conv_kernel_size", "4", "must be odd"},
        BadConfig{"deberta-v2", "conv_kernel_size", "5", "expected [36, 36, 5]"},
        BadConfig{"deberta-own-keys", "conv_groups", "5", "conv_groups must divide"},
        BadConfig{"modernbert", "layer_types", "[\"full_attention\"]", "as many layers"},
        BadConfig{"modernbert", "layer_types", "[\"linear\", \"linear\", \"linear\", \"linear\"]", "'linear' is not"},
        BadConfig{"modernbert", "local_rope_theta", "0", "theta must be"},
        BadConfig{"modernbert", "rope_scaling", "{\"type\": \"yarn\"}", "rope_scaling is not supported"},
        BadConfig{"modernbert", "local_attention", "0", "local_attention"},
        BadConfig{"modernbert", "mlp_bias", "true", "mlp.Wi.bias' is missing"},
        BadConfig{"modernbert", "num_attention_heads", "4", "must be even"},
        BadConfig{"t5-encoder", "feed_forward_proj", "\"gated-mish\"", "'gated-mish' is not supported; known: relu"},
        BadConfig{"t5-encoder", "relative_attention_num_buckets", "16", "expected [16, 5]"},
        BadConfig{"t5-encoder", "relative_attention_max_distance", "6", "must be more than half of"},
        BadConfig{"t5-encoder", "relative_attention_num_buckets", "2", "relative_attention_num_buckets"},
        BadConfig{"t5-encoder", "n_positions", "100000000", "n_positions"},
        BadConfig{"t5-encoder", "d_kv", "16384", "num_heads 5 · d_kv 16384"},
        BadConfig{"t5-encoder", "num_layers", "4", "encoder.block.3.layer.0.SelfAttention.q.weight' is missing"},
        BadConfig{"modernbert", "model_type", "\"two\\nlines\"", "model_type 'two?lines' is not supported"},
        BadConfig{"modernbert", "model_type", "\"gpt2\"",
                  "known: bert, distilbert, roberta, xlm-roberta, camembert, mpnet, deberta-v2, modernbert, t5"}));

}  // namespace
}  // namespace vivace
