#include "cli/hub.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>

#include "base/json.h"
#include "base/url.h"
#include "cli/download.h"
#include "cli/http_client.h"
#include "onnx/onnx_file.h"

namespace vivace {
namespace {

constexpr uint64_t kMaxListingBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxSmallFileBytes = uint64_t{512} << 20;
constexpr uint64_t kMaxWeightsBytes = uint64_t{64} << 30;
constexpr size_t kMaxFiles = 10000;

bool is_hex(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// A name is a path below the model's folder, whatever the hub says.
bool is_safe_file_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.front() == '/' || name.find('\\') != std::string_view::npos)
    return false;
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; })) return false;
  for (const auto& part : std::filesystem::path(name)) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

Status describe_refusal(const Hub& hub, const std::string& what, const HttpHead& head) {
  const std::string token_hint = hub.token.empty() ? "if it is private, set HF_TOKEN" : "check HF_TOKEN's rights";
  if (head.status == 404 || head.status == 401) {
    // A hub answers 401 for names that do not exist, so that private ones cannot be guessed.
    return {StatusCode::kNotFound, hub.endpoint + " has no " + what + "; check the name, and " + token_hint};
  }
  const std::string said = head.error_message.empty() ? "" : " (" + head.error_message + ")";
  if (head.status == 403)
    return {StatusCode::kNotFound, hub.endpoint + " refuses access to " + what + said + "; " + token_hint};
  return {StatusCode::kUnavailable,
          hub.endpoint + " answered " + std::to_string(head.status) + said + " for " + what + "; try again later"};
}

Result<HubModel> parse_listing(const std::string& id, std::string_view text) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(text, "the hub's answer about " + id));
  HubModel model{.id = id, .commit = "", .files = {}};
  ASSIGN_OR_RETURN(model.commit, document.root().string_or("sha", ""));
  if (model.commit.size() != 40 || !is_hex(model.commit)) {
    return error(StatusCode::kCorruptFile, "the hub's answer about " + id + " names no commit; is this a hub?");
  }
  ASSIGN_OR_RETURN(const JsonValue siblings, document.root().get("siblings"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> files, siblings.as_array());
  if (files.size() > kMaxFiles) return error(StatusCode::kTooLarge, id + " holds more files than a model has");
  for (const JsonValue& file : files) {
    ASSIGN_OR_RETURN(const JsonValue member, file.get("rfilename"));
    ASSIGN_OR_RETURN(const std::string_view name, member.as_string());
    if (!is_safe_file_name(name)) {
      return error(StatusCode::kCorruptFile,
                   "the hub lists a file name for " + id + " that leads out of its folder; nothing was fetched");
    }
    model.files.emplace_back(name);
  }
  return model;
}

bool has(const HubModel& model, std::string_view file) {
  return std::ranges::find(model.files, file) != model.files.end();
}

bool matches(const std::string& file, const std::regex& pattern) {
  return std::regex_match(file, pattern);
}

// tokenizer.json, or what there was before it.
std::vector<std::string> tokenizer_files(const HubModel& model) {
  static const std::regex kOlder("vocab\\.(txt|json)|merges\\.txt|(spiece|sentencepiece\\.bpe|spm|tokenizer)\\.model");
  if (has(model, "tokenizer.json")) return {"tokenizer.json"};
  std::vector<std::string> files;
  std::ranges::copy_if(model.files, std::back_inserter(files), [](const auto& file) { return matches(file, kOlder); });
  return files;
}

// The ONNX file that would be run, and what it may keep its weights in, by the names that exporters give.
std::vector<std::string> onnx_files(const HubModel& model) {
  const auto names = onnx_file_names();
  const auto chosen = std::ranges::find_if(names, [&](std::string_view name) { return has(model, name); });
  if (chosen == names.end()) return {};
  std::vector<std::string> files = {std::string(*chosen)};
  for (const std::string_view ending : {"_data", ".data"}) {
    if (has(model, files.front() + std::string(ending))) files.push_back(files.front() + std::string(ending));
  }
  return files;
}

// One file, or the shards and their index, or an ONNX file where there are neither.
std::vector<std::string> weight_files(const HubModel& model) {
  static const std::regex kShard("model-[0-9]{5}-of-[0-9]{5}\\.safetensors");
  if (has(model, "model.safetensors")) return {"model.safetensors"};
  if (!has(model, "model.safetensors.index.json")) return onnx_files(model);
  std::vector<std::string> files = {"model.safetensors.index.json"};
  std::ranges::copy_if(model.files, std::back_inserter(files), [](const auto& file) { return matches(file, kShard); });
  return files;
}

bool holds_weights(std::string_view file) {
  return file.ends_with(".safetensors") || file.find(".onnx") != std::string_view::npos;
}

}  // namespace

Result<void> check_model_id(std::string_view id) {
  static const std::regex kId("[A-Za-z0-9_][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})?");
  if (std::regex_match(id.begin(), id.end(), kId) && id.find("..") == std::string_view::npos) return {};
  return error(StatusCode::kInvalidArgument,
               "'" + std::string(id.substr(0, 200)) + "' is no model name; write OWNER/NAME as the hub shows it");
}

Result<HubModel> find_hub_model(const Hub& hub, const std::string& id, const std::string& revision) {
  std::string listing;
  const HttpGet get{.url = hub.endpoint + "/api/models/" + encode_path(id) + "/revision/" + encode_path(revision),
                    .token = hub.token,
                    .offset = 0,
                    .max_body_bytes = kMaxListingBytes};
  const HttpReceiver receiver{.on_head = [](const HttpHead&) { return Result<void>(); },
                              .on_data =
                                  [&](std::string_view bytes) {
                                    listing.append(bytes);
                                    return Result<void>();
                                  }};
  ASSIGN_OR_RETURN(const HttpHead head, http_get(get, receiver));
  if (head.status != 200) {
    return std::unexpected(describe_refusal(hub, "model '" + id + "' at revision '" + revision + "'", head));
  }
  return parse_listing(id, listing);
}

Result<std::vector<std::string>> files_to_fetch(const HubModel& model) {
  // Configurations, and the modules of sentence-transformers, whose weights are small.
  static const std::regex kSmall(
      "(generation_|tokenizer_|sentence_[a-z-]{1,20}_)?config\\.json|config_sentence_transformers\\.json|"
      "modules\\.json|special_tokens_map\\.json|added_tokens\\.json|"
      "[0-9]{1,2}_[A-Za-z]{1,32}/(config\\.json|model\\.safetensors)");
  if (!has(model, "config.json")) {
    return error(StatusCode::kUnsupported, model.id + " has no config.json, without which Vivace cannot run it");
  }
  // Small files first: what is wrong with them is known before the long download.
  std::vector<std::string> files = tokenizer_files(model);
  if (files.empty()) {
    return error(StatusCode::kUnsupported, model.id +
                                               " has neither tokenizer.json nor the files of an older tokenizer, "
                                               "without which Vivace cannot run it");
  }
  std::ranges::copy_if(model.files, std::back_inserter(files), [](const auto& file) { return matches(file, kSmall); });
  std::vector<std::string> weights = weight_files(model);
  if (weights.empty()) {
    return error(StatusCode::kUnsupported,
                 model.id +
                     " has neither safetensors weights nor an ONNX file of the whole model; "
                     "convert it, or look for a revision with model.safetensors (--revision)");
  }
  std::ranges::move(weights, std::back_inserter(files));
  return files;
}

Result<void> fetch_file(const Hub& hub, const HubModel& model, const std::string& file, const std::string& path) {
  const Download download{
      .url = hub.endpoint + "/" + encode_path(model.id) + "/resolve/" + model.commit + "/" + encode_path(file),
      .token = hub.token,
      .path = path,
      .label = file,
      .max_bytes = holds_weights(file) ? kMaxWeightsBytes : kMaxSmallFileBytes};
  ASSIGN_OR_RETURN(const HttpHead head, download_to_file(download));
  if (head.status != 200 && head.status != 206) {
    return std::unexpected(describe_refusal(hub, "file '" + file + "' of " + model.id, head));
  }
  return {};
}

}  // namespace vivace
