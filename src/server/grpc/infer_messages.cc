#include "server/grpc/infer_messages.h"

#include <limits>
#include <utility>

#include "server/kserve_tensor.h"

namespace vivace {
namespace {

using Parameters = google::protobuf::Map<std::string, inference::InferParameter>;

// Unsigned numbers that no signed one can be are kept as the nearest double.
KserveParameter read_unsigned(uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return static_cast<double>(value);
  return static_cast<int64_t>(value);
}

KserveParameters read_parameters(const Parameters& parameters) {
  KserveParameters read;
  for (const auto& [name, parameter] : parameters) {
    switch (parameter.parameter_choice_case()) {
      case inference::InferParameter::kBoolParam: read.emplace(name, parameter.bool_param()); break;
      case inference::InferParameter::kInt64Param: read.emplace(name, int64_t{parameter.int64_param()}); break;
      case inference::InferParameter::kStringParam: read.emplace(name, parameter.string_param()); break;
      case inference::InferParameter::kDoubleParam: read.emplace(name, parameter.double_param()); break;
      case inference::InferParameter::kUint64Param: read.emplace(name, read_unsigned(parameter.uint64_param())); break;
      case inference::InferParameter::PARAMETER_CHOICE_NOT_SET: break;
    }
  }
  return read;
}

void write_parameter(const KserveParameter& value, inference::InferParameter* parameter) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    parameter->set_string_param(*text);
  } else if (const auto* whole = std::get_if<int64_t>(&value)) {
    parameter->set_int64_param(*whole);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    parameter->set_bool_param(*flag);
  } else {
    parameter->set_double_param(std::get<double>(value));
  }
}

bool has_contents(const inference::InferTensorContents& contents) {
  return contents.bytes_contents_size() + contents.bool_contents_size() + contents.int_contents_size() +
             contents.int64_contents_size() + contents.uint_contents_size() + contents.uint64_contents_size() +
             contents.fp32_contents_size() + contents.fp64_contents_size() >
         0;
}

// Before anything is copied.
Result<void> check_sizes(const inference::ModelInferRequest& message) {
  const auto too_large = [](const std::string& what) { return error(StatusCode::kTooLarge, what); };
  const auto is_long = [](const std::string& name) { return name.size() > kMaxKserveNameBytes; };
  const int most = static_cast<int>(kMaxKserveTensors);
  if (message.inputs_size() > most || message.outputs_size() > most) {
    return too_large("a request has at most " + std::to_string(most) + " inputs and outputs");
  }
  bool has_long_name = is_long(message.model_name()) || is_long(message.model_version());
  for (const auto& input : message.inputs()) {
    has_long_name = has_long_name || is_long(input.name());
    if (input.shape_size() > static_cast<int>(kMaxKserveDimensions)) return too_large("a shape is too long");
  }
  for (const auto& output : message.outputs()) has_long_name = has_long_name || is_long(output.name());
  if (has_long_name) return too_large("a name has more than " + std::to_string(kMaxKserveNameBytes) + " bytes");
  return {};
}

std::unexpected<Status> too_many_texts(const std::string& input, size_t max_texts) {
  return error(StatusCode::kTooLarge, "input '" + input + "' has more than the " + std::to_string(max_texts) +
                                          " texts of one request; send several requests");
}

Result<std::vector<std::string>> read_texts(const inference::ModelInferRequest& message, int index, size_t max_texts) {
  const auto& tensor = message.inputs(index);
  if (tensor_form(message) == TensorForm::kRaw) {
    if (has_contents(tensor.contents())) {
      return error(StatusCode::kInvalidArgument,
                   "input '" + tensor.name() + "' has contents beside raw_input_contents; send one of them");
    }
    auto texts = decode_kserve_texts(message.raw_input_contents(index), max_texts);
    if (!texts) return error(texts.error().code, "input '" + tensor.name() + "': " + texts.error().message);
    return texts;
  }
  const auto& contents = tensor.contents().bytes_contents();
  if (static_cast<size_t>(contents.size()) > max_texts) return too_many_texts(tensor.name(), max_texts);
  return std::vector<std::string>(contents.begin(), contents.end());
}

void write_contents(const KserveOutput::Floats& values, inference::InferTensorContents* contents) {
  contents->mutable_fp32_contents()->Add(values.begin(), values.end());
}

void write_contents(const KserveOutput::Flags& values, inference::InferTensorContents* contents) {
  contents->mutable_bool_contents()->Add(values.begin(), values.end());
}

void write_contents(const KserveOutput::Texts& values, inference::InferTensorContents* contents) {
  for (const std::string& value : values) contents->add_bytes_contents(value);
}

void write_port(const KservePort& port, inference::ModelMetadataResponse::TensorMetadata* tensor) {
  tensor->set_name(port.name);
  tensor->set_datatype(port.datatype);
  tensor->mutable_shape()->Add(port.shape.begin(), port.shape.end());
}

}  // namespace

TensorForm tensor_form(const inference::ModelInferRequest& message) {
  return message.raw_input_contents_size() > 0 ? TensorForm::kRaw : TensorForm::kTyped;
}

Result<KserveRequest> read_infer_request(const inference::ModelInferRequest& message, size_t max_texts) {
  if (auto checked = check_sizes(message); !checked) return std::unexpected(std::move(checked).error());
  if (tensor_form(message) == TensorForm::kRaw && message.raw_input_contents_size() != message.inputs_size()) {
    return error(StatusCode::kInvalidArgument, "raw_input_contents has " +
                                                   std::to_string(message.raw_input_contents_size()) + " entries for " +
                                                   std::to_string(message.inputs_size()) + " inputs");
  }
  KserveRequest request{.model = message.model_name(),
                        .version = message.model_version(),
                        .id = message.id(),
                        .parameters = read_parameters(message.parameters()),
                        .inputs = {},
                        .outputs = {}};
  for (int i = 0; i < message.inputs_size(); ++i) {
    const auto& tensor = message.inputs(i);
    if (tensor.datatype() != "BYTES") {
      return error(StatusCode::kInvalidArgument,
                   "input '" + tensor.name() + "': expected the datatype BYTES; models here read texts");
    }
    auto texts = read_texts(message, i, max_texts);
    if (!texts) return std::unexpected(std::move(texts).error());
    request.inputs.push_back({.name = tensor.name(),
                              .shape = {tensor.shape().begin(), tensor.shape().end()},
                              .texts = std::move(*texts),
                              .parameters = read_parameters(tensor.parameters())});
  }
  for (const auto& output : message.outputs()) {
    request.outputs.push_back({.name = output.name(), .parameters = read_parameters(output.parameters())});
  }
  return request;
}

void write_infer_response(const KserveResponse& response, TensorForm form, inference::ModelInferResponse* message) {
  message->set_model_name(response.model);
  message->set_model_version(std::string(kKserveVersion));
  message->set_id(response.id);
  for (const auto& [name, value] : response.parameters) write_parameter(value, &(*message->mutable_parameters())[name]);
  for (const KserveOutput& output : response.outputs) {
    auto* const tensor = message->add_outputs();
    tensor->set_name(output.name);
    tensor->set_datatype(std::string(output.datatype()));
    tensor->mutable_shape()->Add(output.shape.begin(), output.shape.end());
    if (form == TensorForm::kRaw) {
      message->add_raw_output_contents(encode_kserve_tensor(output));
    } else {
      std::visit([&](const auto& values) { write_contents(values, tensor->mutable_contents()); }, output.values);
    }
  }
}

void write_model_metadata(const KserveModelMetadata& metadata, inference::ModelMetadataResponse* message) {
  message->set_name(metadata.name);
  message->add_versions(std::string(kKserveVersion));
  message->set_platform(metadata.platform);
  for (const KservePort& port : metadata.inputs) write_port(port, message->add_inputs());
  for (const KservePort& port : metadata.outputs) write_port(port, message->add_outputs());
  for (const auto& [name, value] : metadata.properties) (*message->mutable_properties())[name] = value;
}

}  // namespace vivace
