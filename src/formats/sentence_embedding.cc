#include "formats/sentence_embedding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"
#include "formats/dense_module.h"
#include "formats/json_file.h"
#include "formats/transformer_module.h"

namespace vivace {
namespace {

constexpr size_t kMaxModules = 64;
constexpr int64_t kMaxDimensions = 1'000'000'000;

std::unexpected<Status> unsupported(const std::string& message) {
  return error(StatusCode::kUnsupported, message);
}

// The class that a module's type names, when it is one of sentence-transformers' modules for dense embeddings: the last
// part of "sentence_transformers.models.Pooling" (to version 5) or
// "sentence_transformers.sentence_transformer.modules.pooling.Pooling" (from version 6). Empty for any other type.
std::string_view dense_module_class(std::string_view type) {
  constexpr std::string_view kPackages[] = {"sentence_transformers.models.", "sentence_transformers.base.modules.",
                                            "sentence_transformers.sentence_transformer.modules."};
  if (std::ranges::none_of(kPackages, [&](std::string_view package) { return type.starts_with(package); })) return {};
  return type.substr(type.find_last_of('.') + 1);
}

// Empty (the directory itself) or a relative path that never climbs.
bool stays_inside(std::string_view path) {
  if (path.starts_with('/') || path.find_first_of(std::string_view("\\\0", 2)) != std::string_view::npos) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return true;
}

struct Module {
  std::string type;
  std::string path;
};

Result<std::vector<Module>> read_modules(const JsonValue& root) {
  ASSIGN_OR_RETURN(const auto items, root.as_array(kMaxModules));
  std::vector<Module> modules;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(const JsonValue type, item.get("type"));
    ASSIGN_OR_RETURN(const std::string_view type_name, type.as_string());
    ASSIGN_OR_RETURN(const std::string path, item.string_or("path", ""));
    if (!stays_inside(path)) return item.fail("path '" + printable(path) + "' leaves the model's folder");
    modules.push_back({std::string(type_name), path});
  }
  if (modules.empty()) return root.fail("names no modules");
  return modules;
}

// Only the chain Transformer, Pooling and perhaps some Dense and Normalize is computed here.
Result<void> check_chain(const std::vector<Module>& modules, const std::string& origin) {
  constexpr std::string_view kChain[] = {"Transformer", "Pooling", "Dense", "Normalize"};
  for (const Module& module : modules) {
    if (std::ranges::find(kChain, dense_module_class(module.type)) == std::end(kChain)) {
      return unsupported(origin + ": module '" + printable(module.type) +
                         "' is not supported; supported are Transformer, Pooling, Dense and Normalize");
    }
  }
  const auto must_be = [&](size_t index, std::string_view expected) {
    return unsupported(origin + ": module " + std::to_string(index) + " must be " + std::string(expected) +
                       "; supported is the chain Transformer, Pooling, Dense, Normalize");
  };
  bool normalized = false;
  for (size_t i = 0; i < std::max<size_t>(modules.size(), 2); ++i) {
    const std::string_view name = i < modules.size() ? dense_module_class(modules[i].type) : "";
    if (i < 2 && name != kChain[i]) return must_be(i, kChain[i]);
    if (i < 2) continue;
    if (name != "Normalize" && (normalized || name != "Dense")) return must_be(i, normalized ? "Normalize" : "Dense");
    normalized = name == "Normalize";
  }
  if (!modules[0].path.empty()) {
    return unsupported(origin + ": the Transformer's files are in '" + printable(modules[0].path) +
                       "'; they are only read from the model's own folder");
  }
  return {};
}

Result<PoolingMode> pooling_of(std::string_view name, const JsonValue& where) {
  if (name == "mean") return PoolingMode::kMean;
  if (name == "cls") return PoolingMode::kCls;
  if (name == "lasttoken") return PoolingMode::kLast;
  if (name == "max") return PoolingMode::kMax;
  if (name == "mean_sqrt_len_tokens") return PoolingMode::kMeanSqrtLength;
  if (name == "weightedmean") return PoolingMode::kWeightedMean;
  return unsupported(
      where.path() + ": pooling mode '" + printable(name) +
      "' is not supported; supported are mean, cls, lasttoken, max, mean_sqrt_len_tokens and weightedmean");
}

// "pooling_mode": "mean", or a list of modes whose vectors are put side by side.
Result<std::vector<std::string>> named_pooling_modes(const JsonValue& mode) {
  if (mode.is_string()) return std::vector<std::string>{std::string(*mode.as_string())};
  ASSIGN_OR_RETURN(const auto items, mode.as_array(16));
  std::vector<std::string> names;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(const std::string_view name, item.as_string());
    names.emplace_back(name);
  }
  return names;
}

// The flags of versions before 6. With none of them set the mode is mean, as in sentence-transformers.
Result<std::vector<std::string>> flagged_pooling_modes(const JsonValue& config) {
  constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
      {"pooling_mode_cls_token", "cls"},
      {"pooling_mode_max_tokens", "max"},
      {"pooling_mode_mean_tokens", "mean"},
      {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
      {"pooling_mode_weightedmean_tokens", "weightedmean"},
      {"pooling_mode_lasttoken", "lasttoken"},
  };
  std::vector<std::string> names;
  for (const auto& [flag, name] : kFlags) {
    ASSIGN_OR_RETURN(const bool is_set, config.bool_or(flag, false));
    if (is_set) names.emplace_back(name);
  }
  if (names.empty()) names.emplace_back("mean");
  return names;
}

Result<std::vector<PoolingMode>> read_pooling(const JsonValue& config) {
  const auto mode = config.find("pooling_mode");
  ASSIGN_OR_RETURN(const auto names, mode ? named_pooling_modes(*mode) : flagged_pooling_modes(config));
  std::vector<PoolingMode> modes;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const PoolingMode known, pooling_of(name, config));
    modes.push_back(known);
  }
  if (modes.empty()) return config.fail("pooling_mode names no mode");
  ASSIGN_OR_RETURN(const bool includes_prompt, config.bool_or("include_prompt", true));
  if (!includes_prompt) {
    return unsupported(config.path() + ": include_prompt false is not supported; prompts are always pooled");
  }
  return modes;
}

Result<std::vector<PoolingMode>> read_pooling_file(const std::string& path) {
  if (!file_exists(path)) {
    return error(StatusCode::kCorruptFile, path + ": is missing, but modules.json names a Pooling module");
  }
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  const JsonValue root = document.root();
  if (!root.is_object()) return root.fail("expected an object, found " + std::string(root.type_name()));
  return read_pooling(root);
}

// Versions from 6 on can normalise something else than the sentence's vector.
Result<void> check_normalize_file(const std::string& path) {
  if (!file_exists(path)) return {};
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  for (const std::string_view key : {"module_input_name", "module_output_name"}) {
    ASSIGN_OR_RETURN(const std::string name, document.root().string_or(key, "sentence_embedding"));
    if (name != "sentence_embedding") {
      return unsupported(path + ": " + std::string(key) + " '" + printable(name) +
                         "' is not supported; supported is sentence_embedding");
    }
  }
  return {};
}

Result<void> read_prompts(const JsonValue& root, SentenceEmbeddingConfig* config) {
  if (const auto prompts = root.find("prompts")) {
    ASSIGN_OR_RETURN(const auto members, prompts->as_object());
    for (const auto& [name, value] : members) {
      if (value.is_null()) continue;
      ASSIGN_OR_RETURN(const std::string_view text, value.as_string());
      config->prompts[std::string(name)] = std::string(text);
    }
  }
  ASSIGN_OR_RETURN(config->default_prompt_name, root.string_or("default_prompt_name", ""));
  if (!config->default_prompt_name.empty() && !config->prompts.contains(config->default_prompt_name)) {
    return root.fail("default_prompt_name '" + printable(config->default_prompt_name) + "' is not among the prompts");
  }
  return {};
}

Result<void> read_model_file(const std::string& path, SentenceEmbeddingConfig* config) {
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(path));
  const JsonValue root = document.root();
  ASSIGN_OR_RETURN(const std::string type, root.string_or("model_type", "SentenceTransformer"));
  if (type != "SentenceTransformer") {
    return unsupported(path + ": model_type '" + printable(type) +
                       "' is not supported; supported is SentenceTransformer");
  }
  if (const auto dimensions = root.find("truncate_dim")) {
    ASSIGN_OR_RETURN(const int64_t kept, dimensions->as_integer(1, kMaxDimensions));
    config->truncate_dim = static_cast<int>(kept);
  }
  return read_prompts(root, config);
}

// Like sentence-transformers: the first of these that exists, by the names of its oldest versions too.
std::optional<std::string> find_transformer_file(const std::string& directory) {
  for (const std::string_view name :
       {"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json",
        "sentence_camembert_config.json", "sentence_albert_config.json", "sentence_xlm-roberta_config.json",
        "sentence_xlnet_config.json"}) {
    std::string path = directory + "/" + std::string(name);
    if (file_exists(path)) return path;
  }
  return std::nullopt;
}

Result<std::optional<SentenceEmbeddingConfig>> read_files(const std::string& directory) {
  const std::string modules_path = directory + "/modules.json";
  if (!file_exists(modules_path)) return std::nullopt;
  ASSIGN_OR_RETURN(const JsonDocument document, read_json_file(modules_path));
  ASSIGN_OR_RETURN(const std::vector<Module> modules, read_modules(document.root()));
  RETURN_IF_ERROR(check_chain(modules, modules_path));
  SentenceEmbeddingConfig config;
  // sentence-transformers gives every model these two names, so that they can be asked for by any client.
  config.prompts = {{"query", ""}, {"document", ""}};
  ASSIGN_OR_RETURN(config.pooling, read_pooling_file(directory + "/" + modules[1].path + "/config.json"));
  for (size_t i = 2; i < modules.size(); ++i) {
    const std::string folder = directory + "/" + modules[i].path;
    if (dense_module_class(modules[i].type) == "Dense") {
      ASSIGN_OR_RETURN(DenseModule dense, read_dense_module(folder));
      config.dense.push_back(std::move(dense));
    } else {
      RETURN_IF_ERROR(check_normalize_file(folder + "/config.json"));
      config.normalize = true;
    }
  }
  if (const auto path = find_transformer_file(directory)) {
    ASSIGN_OR_RETURN(config.transformer, read_transformer_module(*path, "feature-extraction"));
  }
  const std::string model_path = directory + "/config_sentence_transformers.json";
  if (file_exists(model_path)) RETURN_IF_ERROR(read_model_file(model_path, &config));
  return config;
}

}  // namespace

Result<std::optional<SentenceEmbeddingConfig>> read_sentence_embedding(const std::string& directory) {
  return as_file_error(read_files(directory));
}

}  // namespace vivace
