#include "server/kserve_signature.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "server/engine_call.h"

namespace vivace {
namespace {

constexpr int64_t kAny = -1;

KservePort texts(std::string_view name) {
  return {.name = std::string(name), .datatype = "BYTES", .shape = {kAny}};
}

KservePort one_text(std::string_view name) {
  return {.name = std::string(name), .datatype = "BYTES", .shape = {1}};
}

KservePort numbers(std::string_view name, std::vector<int64_t> shape) {
  return {.name = std::string(name), .datatype = "FP32", .shape = std::move(shape)};
}

// Of each text, whether it was longer than the model takes and was cut.
KservePort truncated() {
  return {.name = "truncated", .datatype = "BOOL", .shape = {kAny}};
}

KservePort optional(KservePort port) {
  port.is_optional = true;
  return port;
}

std::vector<KservePort> inputs_of(KserveTask task) {
  switch (task) {
    // What gives one number scores documents against a query, or texts and pairs as any classifier.
    case KserveTask::kRank:
      return {optional(one_text(kQueryTensor)), optional(texts(kDocumentsTensor)), optional(texts(kTextTensor)),
              optional(texts(kPairTensor))};
    case KserveTask::kGenerate: return {one_text(kPromptTensor)};
    case KserveTask::kClassify: return {texts(kTextTensor), optional(texts(kPairTensor))};
    default: return {texts(kTextTensor)};
  }
}

std::vector<KservePort> outputs_of(KserveTask task, const ModelInfo& info) {
  switch (task) {
    case KserveTask::kEmbed: return {numbers("embedding", {kAny, info.embedding_size}), truncated()};
    case KserveTask::kClassify:
      return {numbers("scores", {kAny, static_cast<int64_t>(info.labels.size())}), texts("label"), truncated()};
    case KserveTask::kRank: return {numbers("scores", {kAny}), truncated()};
    case KserveTask::kTag: return {texts("tags"), truncated()};
    case KserveTask::kFillMask: return {texts("masks"), truncated()};
    case KserveTask::kGenerate: break;
  }
  return {texts("text"), texts("finish_reason"), truncated()};
}

std::string_view task_name(KserveTask task, const ModelInfo& info) {
  if (task == KserveTask::kGenerate) return "text-generation";
  return task == KserveTask::kRank ? "text-ranking" : model_task_name(info.task);
}

std::string names(const std::vector<KservePort>& ports) {
  std::vector<std::string> list;
  for (const KservePort& port : ports) list.push_back(port.name + (port.is_optional ? " (optional)" : ""));
  return fmt::format("{}", fmt::join(list, ", "));
}

std::vector<std::string> optional_names(const std::vector<KservePort>& ports) {
  std::vector<std::string> list;
  for (const KservePort& port : ports) {
    if (port.is_optional) list.push_back(port.name);
  }
  return list;
}

std::string json_list(const std::vector<std::string>& texts) {
  JsonWriter json;
  json.begin_array();
  for (const std::string& text : texts) json.value(text);
  return json.end_array().take();
}

bool has_port(const std::vector<KservePort>& ports, std::string_view name) {
  return std::ranges::find(ports, name, &KservePort::name) != ports.end();
}

std::unexpected<ApiError> refuse(std::string message) {
  return std::unexpected(ApiError(StatusCode::kInvalidArgument, std::move(message)));
}

bool fits_shape(const KserveInput& input) {
  uint64_t count = 1;
  for (const int64_t length : input.shape) {
    // More than there are texts: found before the product can overflow.
    if (length < 1 || static_cast<uint64_t>(length) > input.texts.size() / count) return false;
    count *= static_cast<uint64_t>(length);
  }
  return !input.shape.empty() && count == input.texts.size();
}

ApiResult<void> check_input(const KserveInput& input, const KserveModelMetadata& model) {
  const auto port = std::ranges::find(model.inputs, input.name, &KservePort::name);
  if (port == model.inputs.end()) {
    return refuse(fmt::format("model '{}' has no input '{}'; it takes: {}", model.name, printable(input.name),
                              names(model.inputs)));
  }
  if (input.texts.empty()) return refuse(fmt::format("input '{}' has no text", input.name));
  if (!fits_shape(input)) {
    return refuse(fmt::format("input '{}' has {} texts, which its shape [{}] does not say", input.name,
                              input.texts.size(), fmt::join(input.shape, ", ")));
  }
  if (port->shape.front() == 1 && input.texts.size() != 1) {
    return refuse(
        fmt::format("input '{}' has {} texts; it takes one, so send several requests", input.name, input.texts.size()));
  }
  return {};
}

ApiResult<void> check_texts(const KserveInput& input, const TextLimits& limits) {
  const auto too_large = [&](std::string message) {
    return std::unexpected(ApiError(StatusCode::kTooLarge, std::move(message)));
  };
  if (input.texts.size() > limits.max_texts) {
    return too_large(fmt::format("input '{}' has {} texts, more than the {} of one request; send several requests",
                                 input.name, input.texts.size(), limits.max_texts));
  }
  for (size_t i = 0; i < input.texts.size(); ++i) {
    const std::string& text = input.texts[i];
    if (text.empty()) return refuse(fmt::format("text {} of input '{}' is empty", i, input.name));
    if (text.size() > limits.max_text_bytes) {
      return too_large(fmt::format("text {} of input '{}' has {} bytes, more than the {} that are allowed; split it", i,
                                   input.name, text.size(), limits.max_text_bytes));
    }
    if (find_invalid_utf8(text) != kValidUtf8) {
      return refuse(fmt::format("text {} of input '{}' is not UTF-8", i, input.name));
    }
  }
  return {};
}

// What would be answered otherwise than it was asked.
ApiResult<void> refuse_extensions(std::string_view tensor, const KserveParameters& parameters) {
  for (const auto& [name, value] : parameters) {
    if (name == "classification" || name.starts_with("shared_memory")) {
      return refuse(fmt::format("'{}': the parameter {} is of an extension that this server does not have",
                                printable(tensor), printable(name)));
    }
  }
  return {};
}

ApiResult<void> check_outputs(const KserveRequest& request, const KserveModelMetadata& model) {
  for (const KserveWantedOutput& output : request.outputs) {
    if (!has_port(model.outputs, output.name)) {
      return refuse(fmt::format("model '{}' has no output '{}'; it gives: {}", model.name, printable(output.name),
                                names(model.outputs)));
    }
    if (std::ranges::count(request.outputs, output.name, &KserveWantedOutput::name) > 1) {
      return refuse(fmt::format("output '{}' is asked for twice", output.name));
    }
    RETURN_IF_ERROR(refuse_extensions(output.name, output.parameters));
  }
  return {};
}

ApiResult<void> check_counts(const KserveRequest& request) {
  if (request.inputs.size() <= kMaxKserveTensors && request.outputs.size() <= kMaxKserveTensors) return {};
  return std::unexpected(
      ApiError(StatusCode::kTooLarge, fmt::format("a request has at most {} inputs and outputs", kMaxKserveTensors)));
}

ApiResult<void> check_rank_inputs(const KserveRequest& request) {
  const bool has_query = has_input(request, kQueryTensor);
  const bool has_text = has_input(request, kTextTensor);
  if (has_query != has_input(request, kDocumentsTensor) || has_query == has_text ||
      (has_query && has_input(request, kPairTensor))) {
    return refuse("send the inputs 'query' and 'documents', or 'text' with or without 'text_pair'");
  }
  return {};
}

}  // namespace

bool has_input(const KserveRequest& request, std::string_view name) {
  return std::ranges::find(request.inputs, name, &KserveInput::name) != request.inputs.end();
}

KserveTask kserve_task(const ServedModel& model) {
  if (model.kind() == ModelKind::kGenerator) return KserveTask::kGenerate;
  const ModelInfo& info = model.info();
  if (gives_vectors(info)) return KserveTask::kEmbed;
  if (tags_words(info)) return KserveTask::kTag;
  if (ranks_documents(info)) return KserveTask::kRank;
  return info.task == ModelTask::kMaskedLanguageModel ? KserveTask::kFillMask : KserveTask::kClassify;
}

KserveModelMetadata kserve_metadata(std::string_view name, const ServedModel& model) {
  const ModelInfo& info = model.info();
  const KserveTask task = kserve_task(model);
  KserveModelMetadata metadata{.name = std::string(name),
                               .platform = "vivace",
                               .inputs = inputs_of(task),
                               .outputs = outputs_of(task, info),
                               .properties = {}};
  // For clients over gRPC, whose tensors cannot say so.
  const auto optional_inputs = optional_names(metadata.inputs);
  if (!optional_inputs.empty()) metadata.properties["optional_inputs"] = json_list(optional_inputs);
  metadata.properties["task"] = task_name(task, info);
  metadata.properties["architecture"] = info.architecture;
  metadata.properties["precision"] = info.precision;
  metadata.properties["max_tokens"] = std::to_string(info.max_tokens);
  if (!info.labels.empty()) metadata.properties["labels"] = json_list(info.labels);
  return metadata;
}

ApiResult<void> check_kserve_request(const KserveRequest& request, const KserveModelMetadata& model,
                                     const TextLimits& limits) {
  RETURN_IF_ERROR(check_counts(request));
  for (const KserveInput& input : request.inputs) {
    RETURN_IF_ERROR(refuse_extensions(input.name, input.parameters));
    RETURN_IF_ERROR(check_input(input, model));
    RETURN_IF_ERROR(check_texts(input, limits));
    if (std::ranges::count(request.inputs, input.name, &KserveInput::name) > 1) {
      return refuse(fmt::format("input '{}' is there twice", input.name));
    }
  }
  for (const KservePort& port : model.inputs) {
    if (!port.is_optional && !has_input(request, port.name)) {
      return refuse(
          fmt::format("input '{}' is missing; model '{}' takes: {}", port.name, model.name, names(model.inputs)));
    }
  }
  if (has_port(model.inputs, kQueryTensor)) RETURN_IF_ERROR(check_rank_inputs(request));
  return check_outputs(request, model);
}

}  // namespace vivace
