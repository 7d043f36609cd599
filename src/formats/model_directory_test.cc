#include "formats/model_directory.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/formats_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;

constexpr const char* kModules = R"([
  {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
  {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])";

class ModelDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    add("config.json", R"({"model_type": "bert", "hidden_size": 384})");
    add("1_Pooling/config.json", R"({"word_embedding_dimension": 384, "pooling_mode_mean_tokens": true})");
  }
  void add(const std::string& name, std::string_view content) { write_file(m_directory + "/" + name, content); }
  void add_pooling(std::string_view content) {
    add("modules.json", kModules);
    add("1_Pooling/config.json", content);
  }
  void remove(const std::string& name) { std::filesystem::remove_all(m_directory + "/" + name); }

  // The error of open(), without the folder's name.
  std::string open_error() {
    const auto opened = ModelDirectory::open(m_directory);
    if (opened) return "no error";
    std::string text = std::string(status_code_name(opened.error().code)) + " " + opened.error().message;
    for (size_t at = text.find(m_directory); at != std::string::npos; at = text.find(m_directory)) {
      text.replace(at, m_directory.size(), "DIR");
    }
    return text;
  }
  SentenceEmbeddingConfig sentence_embedding() {
    const auto opened = ModelDirectory::open(m_directory);
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened || !opened->sentence_embedding()) {
      ADD_FAILURE() << "no sentence embedding";
      return {};
    }
    return *opened->sentence_embedding();
  }
  std::string m_directory = make_test_directory();
};

TEST_F(ModelDirectoryTest, OpensAPlainCheckpoint) {
  const auto opened = ModelDirectory::open(m_directory);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->path(), m_directory);
  EXPECT_EQ(opened->model_type(), "bert");
  EXPECT_EQ(opened->config().get("hidden_size")->as_integer(1, 4096), 384);
  EXPECT_FALSE(opened->sentence_embedding());
  EXPECT_FALSE(opened->tokenizer_max_tokens());
}

TEST_F(ModelDirectoryTest, NamesWhatIsMissing) {
  const auto nowhere = ModelDirectory::open("/nowhere/at/all");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error(), (Status{StatusCode::kNotFound, "/nowhere/at/all: there is no such model folder"}));
  remove("config.json");
  EXPECT_EQ(open_error(), "not_found DIR/config.json: cannot open: No such file or directory");
}

TEST_F(ModelDirectoryTest, RefusesABrokenConfig) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "corrupt_file DIR/config.json: is not valid JSON"},
      {"[]", "corrupt_file DIR/config.json: expected an object, found an array"},
      {"{}", "corrupt_file DIR/config.json: 'model_type' is missing"},
      {R"({"model_type": 1})", "corrupt_file DIR/config.json: model_type: expected a string, found an integer"},
      {R"({"model_type": ""})", "corrupt_file DIR/config.json: model_type: is empty"},
  };
  for (const auto& [content, message] : kCases) {
    add("config.json", content);
    EXPECT_THAT(open_error(), HasSubstr(message));
  }
  add("config.json", R"({"model_type": "bert", "x": ")" + std::string(10 << 20, 'x') + "\"}");
  EXPECT_THAT(open_error(),
              HasSubstr("too_large DIR/config.json: has 10485791 bytes, more than the limit of 10485760"));
}

TEST_F(ModelDirectoryTest, ReadsTheTokenizersLimit) {
  const std::pair<const char*, std::optional<int>> kCases[] = {
      {R"({"model_max_length": 512})", 512},
      {R"({"model_max_length": 512.0})", 512},
      {R"({"model_max_length": null})", std::nullopt},
      {R"({})", std::nullopt},
      {R"({"model_max_length": 1000000000000000019884624838656})", std::nullopt},
      {R"({"model_max_length": 1e30})", std::nullopt},
  };
  for (const auto& [content, limit] : kCases) {
    add("tokenizer_config.json", content);
    const auto opened = ModelDirectory::open(m_directory);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->tokenizer_max_tokens(), limit) << content;
  }
  add("tokenizer_config.json", R"({"model_max_length": 0})");
  EXPECT_EQ(open_error(), "corrupt_file DIR/tokenizer_config.json: model_max_length: is 0, expected 1 to 1000000000");
  add("tokenizer_config.json", R"({"model_max_length": "long"})");
  EXPECT_THAT(open_error(), HasSubstr("model_max_length: expected a number, found a string"));
}

TEST_F(ModelDirectoryTest, ReadsModulesOfEveryVersion) {
  add("modules.json", kModules);
  EXPECT_FALSE(sentence_embedding().normalize);
  add("modules.json", R"([
    {"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.base.modules.normalize.Normalize"}])");
  EXPECT_TRUE(sentence_embedding().normalize);
  add("modules.json", R"([
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])");
  EXPECT_TRUE(sentence_embedding().normalize);
}

TEST_F(ModelDirectoryTest, RefusesModulesThatItDoesNotKnow) {
  for (const char* type : {"sentence_transformers.models.CNN", "custom_st.Pooling", "my_package.models.Transformer",
                           "sentence_transformers.sparse_encoder.models.SpladePooling.Pooling", ""}) {
    add("modules.json", R"([{"path": "", "type": "sentence_transformers.models.Transformer"},
                            {"path": "1_Pooling", "type": ")" +
                            std::string(type) + "\"}]");
    EXPECT_EQ(open_error(), "unsupported DIR/modules.json: module '" + std::string(type) +
                                "' is not supported; supported are Transformer, Pooling, Dense and Normalize");
  }
}

TEST_F(ModelDirectoryTest, RefusesAnotherChain) {
  const std::string transformer = R"({"path": "", "type": "sentence_transformers.models.Transformer"})";
  const std::string pooling = R"({"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"})";
  const std::string normalize = R"({"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})";
  const auto chain_error = [&](const std::string& modules) {
    add("modules.json", "[" + modules + "]");
    return open_error();
  };
  EXPECT_THAT(chain_error(transformer), HasSubstr("unsupported DIR/modules.json: module 1 must be Pooling"));
  EXPECT_THAT(chain_error(pooling), HasSubstr("module 0 must be Transformer"));
  EXPECT_THAT(chain_error(transformer + "," + normalize), HasSubstr("module 1 must be Pooling"));
  EXPECT_THAT(chain_error(transformer + "," + pooling + "," + pooling), HasSubstr("module 2 must be Dense"));
  EXPECT_THAT(chain_error(R"({"path": "0_BERT", "type": "sentence_transformers.models.Transformer"},)" + pooling),
              HasSubstr("unsupported DIR/modules.json: the Transformer's files are in '0_BERT'"));
}

TEST_F(ModelDirectoryTest, RefusesABrokenModulesFile) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "is not valid JSON"},
      {"{}", "expected an array, found an object"},
      {"[]", "names no modules"},
      {"[1]", "[0]: expected an object, found an integer"},
      {"[{}]", "[0]: 'type' is missing"},
      {R"([{"type": 1}])", "[0]: type: expected a string, found an integer"},
      {R"([{"type": "a", "path": 1}])", "[0]: path: expected a string, found an integer"},
  };
  for (const auto& [content, message] : kCases) {
    add("modules.json", content);
    EXPECT_THAT(open_error(), HasSubstr("corrupt_file DIR/modules.json"));
    EXPECT_THAT(open_error(), HasSubstr(message));
  }
}

TEST_F(ModelDirectoryTest, ModulePathsStayInTheFolder) {
  for (const char* path : {"..", "../1_Pooling", "/etc", "a/../../b", "a\\\\b", "a\\u0000b"}) {
    add("modules.json", R"([{"path": "", "type": "sentence_transformers.models.Transformer"},
                            {"path": ")" +
                            std::string(path) + R"(", "type": "sentence_transformers.models.Pooling"}])");
    EXPECT_THAT(open_error(), HasSubstr("leaves the model's folder")) << path;
  }
}

TEST_F(ModelDirectoryTest, ReadsThePoolingMode) {
  const std::pair<const char*, PoolingMode> kCases[] = {
      {R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})", PoolingMode::kCls},
      {R"({"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true})", PoolingMode::kMean},
      {R"({"pooling_mode_lasttoken": true, "pooling_mode_mean_tokens": false})", PoolingMode::kLast},
      {R"({"pooling_mode_mean_tokens": false})", PoolingMode::kMean},
      {R"({"word_embedding_dimension": 384})", PoolingMode::kMean},
      {R"({"embedding_dimension": 384, "pooling_mode": "cls", "include_prompt": true})", PoolingMode::kCls},
      {R"({"pooling_mode": ["lasttoken"], "pooling_mode_mean_tokens": true})", PoolingMode::kLast},
      {R"({"pooling_mode_max_tokens": true})", PoolingMode::kMax},
      {R"({"pooling_mode_mean_sqrt_len_tokens": true})", PoolingMode::kMeanSqrtLength},
      {R"({"pooling_mode": "weightedmean"})", PoolingMode::kWeightedMean},
  };
  for (const auto& [content, mode] : kCases) {
    add_pooling(content);
    EXPECT_EQ(sentence_embedding().pooling, std::vector{mode}) << content;
  }
}

TEST_F(ModelDirectoryTest, RefusesOtherPooling) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"pooling_mode": "median"})",
       "pooling mode 'median' is not supported; supported are mean, cls, lasttoken, max, mean_sqrt_len_tokens and "
       "weightedmean"},
      {R"({"pooling_mode": []})", "corrupt_file DIR/1_Pooling/config.json: pooling_mode names no mode"},
      {R"({"pooling_mode": 1})", "corrupt_file DIR/1_Pooling/config.json: pooling_mode: expected an array, found an"},
      {R"({"pooling_mode": [1]})", "pooling_mode[0]: expected a string, found an integer"},
      {R"({"pooling_mode_mean_tokens": 1})", "pooling_mode_mean_tokens: expected a boolean, found an integer"},
      {R"({"include_prompt": false})", "unsupported DIR/1_Pooling/config.json: include_prompt false"},
      {"[]", "corrupt_file DIR/1_Pooling/config.json: expected an object, found an array"},
  };
  for (const auto& [content, message] : kCases) {
    add_pooling(content);
    EXPECT_THAT(open_error(), HasSubstr(message));
  }
  remove("1_Pooling");
  EXPECT_EQ(open_error(),
            "corrupt_file DIR/1_Pooling/config.json: is missing, but modules.json names a Pooling module");
}

TEST_F(ModelDirectoryTest, ReadsTheLimitOfTheTransformer) {
  add("modules.json", kModules);
  EXPECT_EQ(sentence_embedding().transformer.max_tokens, std::nullopt);
  add("sentence_bert_config.json", R"({"max_seq_length": null})");
  EXPECT_EQ(sentence_embedding().transformer.max_tokens, std::nullopt);
  add("sentence_bert_config.json", R"({"max_seq_length": 256, "do_lower_case": false})");
  EXPECT_EQ(sentence_embedding().transformer.max_tokens, 256);
  add("sentence_bert_config.json", R"({"max_seq_length": 0})");
  EXPECT_THAT(open_error(), HasSubstr("corrupt_file DIR/sentence_bert_config.json: max_seq_length: is 0, expected 1"));
  remove("sentence_bert_config.json");
  add("sentence_roberta_config.json", R"({"max_seq_length": 128})");
  EXPECT_EQ(sentence_embedding().transformer.max_tokens, 128);
}

TEST_F(ModelDirectoryTest, LowerCaseIsTheTokenizersWork) {
  add("modules.json", kModules);
  add("tokenizer_config.json", R"({"do_lower_case": true})");
  EXPECT_FALSE(ModelDirectory::open(m_directory)->tokenizer().lowercases);
  add("sentence_bert_config.json", R"({"do_lower_case": true})");
  EXPECT_TRUE(ModelDirectory::open(m_directory)->tokenizer().lowercases);
}

// As sentence-transformers: max_seq_length stands for the tokenizer's limit, other arguments only lower it.
TEST_F(ModelDirectoryTest, TheTransformersLimitReplacesTheTokenizers) {
  add("modules.json", kModules);
  add("tokenizer_config.json", R"({"model_max_length": 256})");
  EXPECT_EQ(ModelDirectory::open(m_directory)->tokenizer_max_tokens(), 256);
  add("sentence_bert_config.json", R"({"max_seq_length": 512})");
  EXPECT_EQ(ModelDirectory::open(m_directory)->tokenizer_max_tokens(), 512);
  add("sentence_bert_config.json", R"({"processing_kwargs": {"text": {"max_length": 512}}})");
  EXPECT_EQ(ModelDirectory::open(m_directory)->tokenizer_max_tokens(), 256);
}

TEST_F(ModelDirectoryTest, RefusesOtherTasks) {
  add("modules.json", kModules);
  add("sentence_bert_config.json", R"({"transformer_task": "fill-mask"})");
  EXPECT_THAT(open_error(), HasSubstr("transformer_task 'fill-mask' is not supported"));
  add("sentence_bert_config.json", R"({"transformer_task": "feature-extraction"})");
  EXPECT_EQ(open_error(), "no error");
  add("config_sentence_transformers.json", R"({"model_type": "SparseEncoder"})");
  EXPECT_THAT(open_error(), HasSubstr("model_type 'SparseEncoder' is not supported"));
}

TEST_F(ModelDirectoryTest, RefusesToNormalizeTokens) {
  add("modules.json", R"([
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.base.modules.normalize.Normalize"}])");
  add("2_Normalize/config.json", R"({"module_input_name": "sentence_embedding"})");
  EXPECT_TRUE(sentence_embedding().normalize);
  add("2_Normalize/config.json", R"({"module_input_name": "token_embeddings"})");
  EXPECT_THAT(open_error(), HasSubstr("module_input_name 'token_embeddings' is not supported"));
}

TEST_F(ModelDirectoryTest, ReadsPrompts) {
  add("modules.json", kModules);
  using Prompts = std::map<std::string, std::string>;
  EXPECT_EQ(sentence_embedding().prompts, (Prompts{{"document", ""}, {"query", ""}}));
  add("config_sentence_transformers.json",
      R"({"prompts": {"query": "query: ", "document": null, "other": "o "}, "default_prompt_name": "other"})");
  EXPECT_EQ(sentence_embedding().prompts, (Prompts{{"document", ""}, {"other", "o "}, {"query", "query: "}}));
  EXPECT_EQ(sentence_embedding().default_prompt_name, "other");
  add("config_sentence_transformers.json", R"({"prompts": {}, "default_prompt_name": null})");
  EXPECT_EQ(sentence_embedding().default_prompt_name, "");
}

TEST_F(ModelDirectoryTest, RefusesBrokenPrompts) {
  add("modules.json", kModules);
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"prompts": []})", "prompts: expected an object, found an array"},
      {R"({"prompts": {"query": 1}})", "prompts.query: expected a string, found an integer"},
      {R"({"prompts": {"q": "a", "q": "b"}})", "prompts: 'q' occurs twice"},
      {R"({"default_prompt_name": 1})", "default_prompt_name: expected a string, found an integer"},
      {R"({"default_prompt_name": "gone"})", "default_prompt_name 'gone' is not among the prompts"},
  };
  for (const auto& [content, message] : kCases) {
    add("config_sentence_transformers.json", content);
    EXPECT_THAT(open_error(), HasSubstr("corrupt_file DIR/config_sentence_transformers.json: "));
    EXPECT_THAT(open_error(), HasSubstr(message));
  }
}

TEST(PoolingMode, NamesReadBack) {
  for (const PoolingMode mode : {PoolingMode::kMean, PoolingMode::kCls, PoolingMode::kLast, PoolingMode::kNone}) {
    EXPECT_EQ(parse_pooling_mode(pooling_mode_name(mode)), mode);
  }
  const auto unknown = parse_pooling_mode("max");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "pooling mode 'max' is unknown; use mean, cls, last or none");
}

TEST(ModelDirectory, GoldenModels) {
  const std::string golden = VIVACE_SOURCE_DIR "/tests/golden/";
  const auto mean = ModelDirectory::open(golden + "tiny-bert");
  ASSERT_TRUE(mean) << mean.error().message;
  ASSERT_TRUE(mean->sentence_embedding());
  EXPECT_EQ(mean->sentence_embedding()->pooling, std::vector{PoolingMode::kMean});
  EXPECT_FALSE(mean->sentence_embedding()->normalize);
  const auto cls = ModelDirectory::open(golden + "tiny-bert-bf16");
  ASSERT_TRUE(cls) << cls.error().message;
  EXPECT_EQ(cls->sentence_embedding()->pooling, std::vector{PoolingMode::kCls});
  EXPECT_TRUE(cls->sentence_embedding()->normalize);
  EXPECT_EQ(cls->sentence_embedding()->transformer.max_tokens, 64);
  const auto last = ModelDirectory::open(golden + "tiny-bert-sharded");
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(last->sentence_embedding()->pooling, std::vector{PoolingMode::kLast});
  const auto plain = ModelDirectory::open(golden + "tiny-bert-f16");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_FALSE(plain->sentence_embedding());
}

TEST(ModelDirectory, RealModel) {
  const std::string directory = VIVACE_SOURCE_DIR "/models/all-MiniLM-L6-v2";
  if (!std::filesystem::exists(directory)) GTEST_SKIP() << directory << " is missing";
  const auto opened = ModelDirectory::open(directory);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->model_type(), "bert");
  EXPECT_EQ(opened->tokenizer_max_tokens(), 256);
  ASSERT_TRUE(opened->sentence_embedding());
  EXPECT_EQ(opened->sentence_embedding()->pooling, std::vector{PoolingMode::kMean});
  EXPECT_TRUE(opened->sentence_embedding()->normalize);
  EXPECT_EQ(opened->sentence_embedding()->transformer.max_tokens, 256);
  EXPECT_EQ(opened->sentence_embedding()->default_prompt_name, "");
}

TEST_F(ModelDirectoryTest, ReadsSeveralPoolingModesAndDenseModules) {
  add_pooling(R"({"pooling_mode": ["cls", "max"]})");
  add("modules.json", R"([{"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    {"path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}])");
  EXPECT_THAT(open_error(), HasSubstr("not_found DIR/2_Dense/config.json"));
  add("2_Dense/config.json", R"({"in_features": 768, "out_features": 64, "bias": false,
    "activation_function": "torch.nn.modules.linear.Identity"})");
  const SentenceEmbeddingConfig config = sentence_embedding();
  EXPECT_EQ(config.pooling, (std::vector{PoolingMode::kCls, PoolingMode::kMax}));
  ASSERT_EQ(config.dense.size(), 1U);
  EXPECT_EQ(config.dense[0].inputs, 768);
  EXPECT_EQ(config.dense[0].outputs, 64);
  EXPECT_FALSE(config.dense[0].has_bias);
  EXPECT_EQ(config.dense[0].activation, "Identity");
  EXPECT_TRUE(config.normalize);
  add("2_Dense/config.json", R"({"in_features": 768, "out_features": 64, "use_residual": true})");
  EXPECT_THAT(open_error(), HasSubstr("unsupported DIR/2_Dense/config.json: use_residual"));
  add("2_Dense/config.json", R"({"in_features": 768, "out_features": 64, "activation_function": "my.Own"})");
  EXPECT_THAT(open_error(), HasSubstr("activation_function 'my.Own' is not one of torch's"));
}

TEST_F(ModelDirectoryTest, ReadsACrossEncoder) {
  add("modules.json", R"([{"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"}])");
  add("config_sentence_transformers.json",
      R"({"model_type": "CrossEncoder", "activation_fn": "torch.nn.modules.linear.Identity"})");
  add("sentence_bert_config.json", R"({"transformer_task": "sequence-classification", "max_seq_length": 77})");
  const auto opened = ModelDirectory::open(m_directory);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(opened->sentence_embedding());
  EXPECT_EQ(opened->task().rank_activation, ScoreActivation::kNone);
  EXPECT_EQ(opened->tokenizer_max_tokens(), 77);
  add("config_sentence_transformers.json",
      R"({"model_type": "CrossEncoder", "activation_fn": "torch.nn.modules.activation.Tanh"})");
  EXPECT_THAT(open_error(), HasSubstr("activation_fn: 'torch.nn.modules.activation.Tanh' is not supported"));
  add("config_sentence_transformers.json", R"({"model_type": "CrossEncoder"})");
  add("modules.json", R"([{"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
    {"path": "1_LogitScore", "type": "sentence_transformers.cross_encoder.modules.logit_score.LogitScore"}])");
  EXPECT_THAT(open_error(), HasSubstr("is not supported in a cross-encoder"));
}

}  // namespace
}  // namespace vivace
