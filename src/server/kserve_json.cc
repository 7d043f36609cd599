#include "server/kserve_json.h"

#include <limits>
#include <span>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "server/kserve_tensor.h"

namespace vivace {
namespace {

constexpr size_t kMaxNesting = 8;
constexpr std::string_view kBinarySize = "binary_data_size";

ApiResult<KserveParameters> read_parameters(const JsonValue& object) {
  KserveParameters parameters;
  const auto value = object.find("parameters");
  if (!value) return parameters;
  const auto members = value->as_object();
  if (!members) return field_error(members.error(), "parameters");
  for (const auto& [name, member] : *members) {
    if (const auto flag = member.as_bool()) {
      parameters.emplace(name, *flag);
    } else if (const auto whole =
                   member.as_integer(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max())) {
      parameters.emplace(name, *whole);
    } else if (const auto number = member.as_double()) {
      parameters.emplace(name, *number);
    } else if (const auto text = member.as_string()) {
      parameters.emplace(name, std::string(*text));
    } else if (!member.is_null()) {
      return field_error(member.fail("expected a number, a text, true or false").error(), "parameters");
    }
  }
  return parameters;
}

// "data" may be nested as its shape is, or flat.
ApiResult<void> read_data(const JsonValue& value, size_t depth, const TextLimits& limits,
                          std::vector<std::string>* texts) {
  if (value.is_string()) {
    if (texts->size() == limits.max_texts) {
      return field_error({StatusCode::kTooLarge, fmt::format("{}: has more than the {} texts of one request; send "
                                                             "several requests",
                                                             value.path(), limits.max_texts)},
                         "inputs");
    }
    ASSIGN_OR_RETURN(std::string text, read_text(value, "inputs", limits.max_text_bytes));
    texts->push_back(std::move(text));
    return {};
  }
  const auto items = value.as_array();
  if (!items || depth > kMaxNesting) return field_error(value.fail("expected texts").error(), "inputs");
  for (const JsonValue& item : *items) RETURN_IF_ERROR(read_data(item, depth + 1, limits, texts));
  return {};
}

ApiResult<std::vector<int64_t>> read_shape(const JsonValue& tensor) {
  const auto value = tensor.get("shape");
  if (!value) return field_error(value.error(), "inputs");
  const auto items = value->as_array(kMaxKserveDimensions);
  if (!items) return field_error(items.error(), "inputs");
  std::vector<int64_t> shape;
  for (const JsonValue& item : *items) {
    const auto length = item.as_integer(0, std::numeric_limits<int32_t>::max());
    if (!length) return field_error(length.error(), "inputs");
    shape.push_back(*length);
  }
  return shape;
}

// The texts behind the JSON; takes them off `bytes`.
ApiResult<std::vector<std::string>> read_binary(const JsonValue& tensor, const KserveParameters& parameters,
                                                const TextLimits& limits, std::string_view* bytes) {
  const auto* size = std::get_if<int64_t>(&parameters.at(std::string(kBinarySize)));
  if (size == nullptr || *size < 0 || static_cast<uint64_t>(*size) > bytes->size()) {
    return field_error(tensor
                           .fail(fmt::format("{}: expected how many of the {} bytes behind the JSON are this tensor's",
                                             kBinarySize, bytes->size()))
                           .error(),
                       "inputs");
  }
  auto texts = decode_kserve_texts(bytes->substr(0, static_cast<size_t>(*size)), limits.max_texts);
  bytes->remove_prefix(static_cast<size_t>(*size));
  if (!texts) return field_error(texts.error().with_context(tensor.path()), "inputs");
  return std::move(*texts);
}

ApiResult<std::string> read_name(const JsonValue& tensor, std::string_view field) {
  const auto name = tensor.get("name");
  if (!name) return field_error(name.error(), field);
  return read_text(*name, field, kMaxKserveNameBytes);
}

ApiResult<KserveInput> read_input(const JsonValue& tensor, const TextLimits& limits, std::string_view* bytes) {
  KserveInput input;
  ASSIGN_OR_RETURN(input.name, read_name(tensor, "inputs"));
  ASSIGN_OR_RETURN(const std::string datatype, read_text_or(tensor, "datatype", ""));
  if (datatype != "BYTES") {
    return field_error(tensor.fail("datatype: expected \"BYTES\"; models here read texts").error(), "inputs");
  }
  ASSIGN_OR_RETURN(input.shape, read_shape(tensor));
  ASSIGN_OR_RETURN(input.parameters, read_parameters(tensor));
  if (input.parameters.contains(kBinarySize)) {
    if (tensor.find("data")) {
      return field_error(tensor.fail("has data and binary_data_size; send one of them").error(), "inputs");
    }
    ASSIGN_OR_RETURN(input.texts, read_binary(tensor, input.parameters, limits, bytes));
  } else if (!input.parameters.contains("shared_memory_region")) {  // which is refused with the model at hand
    const auto data = tensor.get("data");
    if (!data) return field_error(data.error(), "inputs");
    if (!data->is_array()) return field_error(data->fail("expected a list of texts").error(), "inputs");
    RETURN_IF_ERROR(read_data(*data, 0, limits, &input.texts));
  }
  return input;
}

ApiResult<std::vector<JsonValue>> read_tensors(const JsonValue& body, std::string_view field) {
  const auto value = body.find(field);
  if (!value) return std::vector<JsonValue>();
  auto items = value->as_array(kMaxKserveTensors);
  if (!items) return field_error(std::move(items).error(), field);
  return std::move(*items);
}

ApiResult<void> read_outputs(const JsonValue& body, KserveRestRequest* asked) {
  ASSIGN_OR_RETURN(const std::vector<JsonValue> outputs, read_tensors(body, "outputs"));
  for (const JsonValue& output : outputs) {
    KserveWantedOutput wanted;
    ASSIGN_OR_RETURN(wanted.name, read_name(output, "outputs"));
    ASSIGN_OR_RETURN(wanted.parameters, read_parameters(output));
    if (const auto binary = wanted.parameters.find("binary_data"); binary != wanted.parameters.end()) {
      const bool* flag = std::get_if<bool>(&binary->second);
      if (flag == nullptr) return field_error(output.fail("binary_data: expected true or false").error(), "outputs");
      asked->binary[wanted.name] = *flag;
    }
    asked->request.outputs.push_back(std::move(wanted));
  }
  return {};
}

void write_values(const KserveOutput::Floats& values, JsonWriter* json) {
  json->values(std::span<const float>(values));
}

void write_values(const KserveOutput::Flags& values, JsonWriter* json) {
  json->begin_array();
  for (const uint8_t value : values) json->value(value != 0);
  json->end_array();
}

void write_values(const KserveOutput::Texts& values, JsonWriter* json) {
  json->begin_array();
  for (const std::string& value : values) json->value(std::string_view(value));
  json->end_array();
}

void write_shape(const std::vector<int64_t>& shape, JsonWriter* json) {
  json->key("shape").begin_array();
  for (const int64_t length : shape) json->value(length);
  json->end_array();
}

void write_output(const KserveOutput& output, bool is_binary, JsonWriter* json, std::string* bytes) {
  json->begin_object().key("name").value(output.name).key("datatype").value(output.datatype());
  write_shape(output.shape, json);
  if (is_binary) {
    const std::string tensor = encode_kserve_tensor(output);
    json->key("parameters").begin_object().key(kBinarySize).value(static_cast<uint64_t>(tensor.size())).end_object();
    bytes->append(tensor);
  } else {
    json->key("data");
    std::visit([&](const auto& values) { write_values(values, json); }, output.values);
  }
  json->end_object();
}

void write_parameters(const KserveParameters& parameters, JsonWriter* json) {
  if (parameters.empty()) return;
  json->key("parameters").begin_object();
  for (const auto& [name, value] : parameters) {
    json->key(name);
    if (const auto* text = std::get_if<std::string>(&value)) {
      json->value(std::string_view(*text));
    } else if (const auto* whole = std::get_if<int64_t>(&value)) {
      json->value(*whole);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      json->value(*flag);
    } else {
      json->value(std::get<double>(value));
    }
  }
  json->end_object();
}

void write_ports(std::string_view key, const std::vector<KservePort>& ports, JsonWriter* json) {
  json->key(key).begin_array();
  for (const KservePort& port : ports) {
    json->begin_object().key("name").value(port.name).key("datatype").value(port.datatype);
    write_shape(port.shape, json);
    if (port.is_optional) json->key("optional").value(true);
    json->end_object();
  }
  json->end_array();
}

}  // namespace

bool KserveRestRequest::wants_binary(std::string_view output) const {
  const auto wanted = binary.find(output);
  return wanted == binary.end() ? binary_by_default : wanted->second;
}

ApiResult<KserveRestRequest> parse_kserve_request(std::string_view body, std::optional<size_t> json_bytes,
                                                  const TextLimits& limits) {
  if (json_bytes && *json_bytes > body.size()) {
    return std::unexpected(ApiError(
        StatusCode::kInvalidArgument,
        fmt::format("Inference-Header-Content-Length is {}, but the body has {} bytes", *json_bytes, body.size())));
  }
  const size_t json_end = json_bytes.value_or(body.size());
  std::string_view bytes = body.substr(json_end);
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body.substr(0, json_end)));
  const JsonValue root = document.root();
  KserveRestRequest asked;
  ASSIGN_OR_RETURN(asked.request.id, read_text_or(root, "id", ""));
  ASSIGN_OR_RETURN(asked.request.parameters, read_parameters(root));
  if (const auto binary = asked.request.parameters.find("binary_data_output");
      binary != asked.request.parameters.end()) {
    const bool* wanted = std::get_if<bool>(&binary->second);
    if (wanted == nullptr) return refuse_field("parameters", "binary_data_output: expected true or false");
    asked.binary_by_default = *wanted;
  }
  ASSIGN_OR_RETURN(const std::vector<JsonValue> inputs, read_tensors(root, "inputs"));
  if (inputs.empty()) return refuse_field("inputs", "is missing or empty");
  for (const JsonValue& tensor : inputs) {
    ASSIGN_OR_RETURN(KserveInput input, read_input(tensor, limits, &bytes));
    asked.request.inputs.push_back(std::move(input));
  }
  if (!bytes.empty()) {
    return refuse_field("inputs", fmt::format("{} bytes behind the JSON belong to no tensor", bytes.size()));
  }
  RETURN_IF_ERROR(read_outputs(root, &asked));
  return asked;
}

KserveBody write_kserve_response(const KserveRestRequest& asked, const KserveResponse& response) {
  JsonWriter json;
  std::string bytes;
  bool has_bytes = false;
  json.begin_object().key("model_name").value(response.model).key("model_version").value(kKserveVersion);
  if (!response.id.empty()) json.key("id").value(response.id);
  write_parameters(response.parameters, &json);
  json.key("outputs").begin_array();
  for (const KserveOutput& output : response.outputs) {
    const bool is_binary = asked.wants_binary(output.name);
    has_bytes = has_bytes || is_binary;
    write_output(output, is_binary, &json, &bytes);
  }
  KserveBody body{.text = json.end_array().end_object().take(), .json_bytes = std::nullopt};
  if (has_bytes) {
    body.json_bytes = body.text.size();
    body.text.append(bytes);
  }
  return body;
}

std::string write_kserve_metadata(const KserveModelMetadata& metadata) {
  JsonWriter json;
  json.begin_object().key("name").value(metadata.name);
  json.key("versions").begin_array().value(kKserveVersion).end_array();
  json.key("platform").value(metadata.platform);
  write_ports("inputs", metadata.inputs, &json);
  write_ports("outputs", metadata.outputs, &json);
  json.key("properties").begin_object();
  for (const auto& [name, value] : metadata.properties) json.key(name).value(std::string_view(value));
  return json.end_object().end_object().take();
}

}  // namespace vivace
