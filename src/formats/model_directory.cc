#include "formats/model_directory.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "formats/cross_encoder.h"
#include "formats/json_file.h"
#include "formats/sentence_embedding.h"

namespace vivace {
namespace {

// Tokenizers without a limit say so by a number like 10^30; no model reads this many tokens at once.
constexpr double kNoTokenLimit = 1e9;

constexpr size_t kMaxInputs = 64;

// A token as text, or as the object with its content that older files have.
Result<std::string> read_token(const JsonValue& root, std::string_view key) {
  const auto token = root.find(key);
  if (!token) return std::string();
  if (token->is_object()) return token->string_or("content", "");
  return root.string_or(key, "");
}

Result<TokenizerFacts> read_tokenizer_config(const std::string& path) {
  TokenizerFacts facts;
  if (!file_exists(path)) return facts;
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  const JsonValue root = document.root();
  if (const auto length = root.find("model_max_length")) {
    ASSIGN_OR_RETURN(const double tokens, length->as_double());
    if (tokens < kNoTokenLimit) {
      ASSIGN_OR_RETURN(const int64_t whole, length->as_integer(1, static_cast<int64_t>(kNoTokenLimit)));
      facts.max_tokens = static_cast<int>(whole);
    }
  }
  ASSIGN_OR_RETURN(facts.mask_token, read_token(root, "mask_token"));
  ASSIGN_OR_RETURN(facts.unknown_token, read_token(root, "unk_token"));
  if (const auto side = root.find("truncation_side")) {
    ASSIGN_OR_RETURN(const std::string_view name, side->as_string());
    if (name != "left" && name != "right") return side->fail("is '" + printable(name) + "', expected left or right");
    facts.truncation_side = std::string(name);
  }
  if (const auto names = root.find("model_input_names")) {
    ASSIGN_OR_RETURN(const auto items, names->as_array(kMaxInputs));
    facts.gives_type_ids = std::ranges::any_of(items, [](const JsonValue& item) {
      const auto name = item.as_string();
      return name && *name == "token_type_ids";
    });
  }
  return facts;
}

Result<std::string> read_model_type(const JsonValue& config) {
  ASSIGN_OR_RETURN(const JsonValue value, config.get("model_type"));
  ASSIGN_OR_RETURN(const std::string_view type, value.as_string());
  if (type.empty()) return value.fail("is empty, expected an architecture such as \"bert\"");
  return std::string(type);
}

void add_transformer(const TransformerModule& module, TokenizerFacts* facts) {
  facts->lowercases = module.lowercases;
  if (!module.max_tokens) return;
  const bool keeps = facts->max_tokens && !module.replaces_limit;
  facts->max_tokens = keeps ? std::min(*facts->max_tokens, *module.max_tokens) : *module.max_tokens;
}

}  // namespace

std::string_view pooling_mode_name(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::kMean: return "mean";
    case PoolingMode::kCls: return "cls";
    case PoolingMode::kLast: return "last";
    case PoolingMode::kMax: return "max";
    case PoolingMode::kMeanSqrtLength: return "mean_sqrt_len";
    case PoolingMode::kWeightedMean: return "weighted_mean";
    case PoolingMode::kNone: return "none";
  }
  return "?";
}

Result<PoolingMode> parse_pooling_mode(std::string_view name) {
  for (const PoolingMode mode : {PoolingMode::kMean, PoolingMode::kCls, PoolingMode::kLast, PoolingMode::kNone}) {
    if (name == pooling_mode_name(mode)) return mode;
  }
  return error(StatusCode::kInvalidArgument,
               "pooling mode '" + printable(name) + "' is unknown; use mean, cls, last or none");
}

Result<ModelDirectory> ModelDirectory::open_packed(const std::string& path) {
  ASSIGN_OR_RETURN(std::shared_ptr<const PackedFile> packed, PackedFile::open(path));
  ASSIGN_OR_RETURN(std::shared_ptr<const UnpackedFolder> folder, UnpackedFolder::create(*packed));
  Result<ModelDirectory> directory = open(folder->path());
  if (!directory) {
    RETURN_IF_ERROR(packed->verify());  // what is wrong with a damaged file is the damage
    return directory;
  }
  directory->m_origin = path;
  directory->m_packed = std::move(packed);
  directory->m_unpacked = std::move(folder);
  return directory;
}

Result<ModelDirectory> ModelDirectory::open(const std::string& path) {
  if (is_packed_file(path)) return open_packed(path);
  std::error_code ignored;  // a folder that cannot be looked at is not there for us
  if (!std::filesystem::is_directory(path, ignored)) {
    return error(StatusCode::kNotFound, path + ": there is no such model folder");
  }
  ASSIGN_OR_RETURN(JsonDocument document, read_json_file(path + "/config.json"));
  ModelDirectory directory(std::move(document));
  directory.m_path = path;
  directory.m_origin = path;
  ASSIGN_OR_RETURN(directory.m_model_type, as_file_error(read_model_type(directory.config())));
  ASSIGN_OR_RETURN(directory.m_tokenizer, as_file_error(read_tokenizer_config(path + "/tokenizer_config.json")));
  ASSIGN_OR_RETURN(directory.m_task, as_file_error(read_task_config(directory.config())));
  ASSIGN_OR_RETURN(const std::optional<CrossEncoderConfig> cross_encoder, read_cross_encoder(path));
  if (cross_encoder) {
    if (cross_encoder->activation) directory.m_task.rank_activation = cross_encoder->activation;
    add_transformer(cross_encoder->transformer, &directory.m_tokenizer);
    return directory;
  }
  ASSIGN_OR_RETURN(directory.m_sentence_embedding, read_sentence_embedding(path));
  if (directory.m_sentence_embedding) {
    add_transformer(directory.m_sentence_embedding->transformer, &directory.m_tokenizer);
    // The modules say what the checkpoint is for, whatever head its configuration still names.
    directory.m_task = {};
  }
  return directory;
}

Result<void> ModelDirectory::verify() const {
  return m_packed == nullptr ? Result<void>() : m_packed->verify();
}

}  // namespace vivace
