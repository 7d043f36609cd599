#include "onnx/onnx_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "onnx/proto_reader.h"

namespace vivace {
namespace {

constexpr size_t kMaxFileBytes = 2UL << 30;  // of a protobuf message
constexpr int kMaxDepth = 32;                // of graphs inside graphs
constexpr uint64_t kMaxElements = 1ULL << 40;

// TensorProto.DataType of onnx.proto.
struct ElementType {
  uint64_t code;
  std::string_view name;
  size_t bits;
};
constexpr ElementType kElementTypes[] = {
    {1, "F32", 32},  {2, "U8", 8},    {3, "I8", 8},     {4, "U16", 16},  {5, "I16", 16},
    {6, "I32", 32},  {7, "I64", 64},  {9, "BOOL", 8},   {10, "F16", 16}, {11, "F64", 64},
    {12, "U32", 32}, {13, "U64", 64}, {16, "BF16", 16}, {17, "F8", 8},   {18, "F8", 8},
    {19, "F8", 8},   {20, "F8", 8},   {21, "U4", 4},    {22, "I4", 4},
};

struct Tensor {
  std::string_view name;
  uint64_t elements = 1;
  uint64_t type = 0;
  std::optional<uint64_t> raw_bytes;
  bool is_external = false;
  std::string location;
  std::string_view offset = "0";
  std::string_view length;
};

// Walks the messages of onnx.proto that hold tensors or names of operations; others are skipped.
class OnnxWalker {
 public:
  OnnxWalker(std::string path, std::string folder) : m_path(std::move(path)), m_folder(std::move(folder)) {}

  Result<OnnxFileFacts> walk(std::string_view bytes);

 private:
  using Visit = Result<void> (OnnxWalker::*)(std::string_view, int);
  struct Child {
    uint32_t number;
    Visit visit;
  };

  template <size_t n>
  Result<void> visit_children(std::string_view message, int depth, const std::array<Child, n>& children);
  Result<void> visit_graph(std::string_view message, int depth);
  Result<void> visit_node(std::string_view message, int depth);
  Result<void> visit_operation(std::string_view name, int depth);
  Result<void> visit_function(std::string_view message, int depth);
  Result<void> visit_attribute(std::string_view message, int depth);
  Result<void> visit_sparse_tensor(std::string_view message, int depth);
  Result<void> visit_tensor(std::string_view message, int depth);
  Result<Tensor> read_tensor(std::string_view message) const;
  Result<void> read_external_entry(std::string_view message, Tensor* tensor) const;
  Result<void> multiply_dims(const ProtoField& field, Tensor* tensor) const;
  Result<void> check_external(const Tensor& tensor, uint64_t bytes);
  Result<uint64_t> external_file_bytes(const std::string& location, std::string_view tensor);

  std::unexpected<Status> corrupt(const std::string& what) const {
    return error(StatusCode::kCorruptFile, m_path + ": " + what);
  }
  std::unexpected<Status> truncated() const { return corrupt("is truncated or not an ONNX model"); }

  std::string m_path;
  std::string m_folder;
  OnnxFileFacts m_facts;
  std::map<std::string, uint64_t, std::less<>> m_external;       // location → size
  std::map<std::string_view, uint64_t, std::less<>> m_by_dtype;  // name → bytes
};

Result<OnnxFileFacts> OnnxWalker::walk(std::string_view bytes) {
  bool has_graph = false;
  ProtoReader model(bytes);
  while (const auto field = model.next()) {
    if (field->number == 7 && field->is_bytes()) {
      has_graph = true;
      RETURN_IF_ERROR(visit_graph(field->bytes, 0));
    } else if (field->number == 25 && field->is_bytes()) {
      RETURN_IF_ERROR(visit_function(field->bytes, 0));
    }
  }
  if (model.failed() || !has_graph) return truncated();
  m_facts.path = m_path;
  m_facts.file_bytes = bytes.size();
  for (const auto& [location, size] : m_external) m_facts.file_bytes += size;
  uint64_t most = 0;
  for (const auto& [name, size] : m_by_dtype) {
    if (size > most) m_facts.dtype = name;
    most = std::max(most, size);
  }
  return m_facts;
}

template <size_t n>
Result<void> OnnxWalker::visit_children(std::string_view message, int depth, const std::array<Child, n>& children) {
  if (depth > kMaxDepth)
    return corrupt("has graphs inside each other more than " + std::to_string(kMaxDepth) + " deep");
  ProtoReader reader(message);
  while (const auto field = reader.next()) {
    const auto child = std::ranges::find(children, field->number, &Child::number);
    if (child == children.end()) continue;
    if (!field->is_bytes()) return truncated();
    RETURN_IF_ERROR((this->*child->visit)(field->bytes, depth + 1));
  }
  if (reader.failed()) return truncated();
  return {};
}

Result<void> OnnxWalker::visit_graph(std::string_view message, int depth) {
  return visit_children(
      message, depth,
      std::to_array<Child>(
          {{1, &OnnxWalker::visit_node}, {5, &OnnxWalker::visit_tensor}, {15, &OnnxWalker::visit_sparse_tensor}}));
}

Result<void> OnnxWalker::visit_node(std::string_view message, int depth) {
  return visit_children(message, depth,
                        std::to_array<Child>({{4, &OnnxWalker::visit_operation}, {5, &OnnxWalker::visit_attribute}}));
}

Result<void> OnnxWalker::visit_operation(std::string_view name, int /*depth*/) {
  // DynamicQuantizeLinear, and onnxruntime's own DynamicQuantizeMatMul, DynamicQuantizeLSTM …
  if (name.starts_with("DynamicQuantize")) m_facts.quantizes_dynamically = true;
  return {};
}

Result<void> OnnxWalker::visit_function(std::string_view message, int depth) {
  return visit_children(message, depth, std::to_array<Child>({{7, &OnnxWalker::visit_node}}));
}

Result<void> OnnxWalker::visit_attribute(std::string_view message, int depth) {
  return visit_children(message, depth,
                        std::to_array<Child>({{5, &OnnxWalker::visit_tensor},
                                              {6, &OnnxWalker::visit_graph},
                                              {10, &OnnxWalker::visit_tensor},
                                              {11, &OnnxWalker::visit_graph},
                                              {22, &OnnxWalker::visit_sparse_tensor},
                                              {23, &OnnxWalker::visit_sparse_tensor}}));
}

Result<void> OnnxWalker::visit_sparse_tensor(std::string_view message, int depth) {
  return visit_children(message, depth,
                        std::to_array<Child>({{1, &OnnxWalker::visit_tensor}, {2, &OnnxWalker::visit_tensor}}));
}

Result<void> OnnxWalker::visit_tensor(std::string_view message, int /*depth*/) {
  ASSIGN_OR_RETURN(const Tensor tensor, read_tensor(message));
  const auto* const type = std::ranges::find(kElementTypes, tensor.type, &ElementType::code);
  if (type == std::end(kElementTypes)) {
    if (!tensor.raw_bytes && !tensor.is_external) return {};  // strings, complex numbers: the engine's to judge
    return corrupt("tensor '" + printable(tensor.name) + "' has the unknown type " + std::to_string(tensor.type));
  }
  const uint64_t bytes = (tensor.elements * type->bits + 7) / 8;
  if (tensor.raw_bytes && !tensor.is_external && *tensor.raw_bytes != bytes) {
    return corrupt("tensor '" + printable(tensor.name) + "' has " + std::to_string(*tensor.raw_bytes) +
                   " bytes, its shape says " + std::to_string(bytes));
  }
  if (tensor.is_external) RETURN_IF_ERROR(check_external(tensor, bytes));
  m_facts.parameters += tensor.elements;
  m_by_dtype[type->name] += bytes;
  return {};
}

Result<Tensor> OnnxWalker::read_tensor(std::string_view message) const {
  enum Field : uint8_t { kDims = 1, kType = 2, kName = 8, kRawData = 9, kExternalData = 13, kDataLocation = 14 };
  Tensor tensor;
  ProtoReader reader(message);
  while (const auto field = reader.next()) {
    switch (field->number) {
      case kDims: RETURN_IF_ERROR(multiply_dims(*field, &tensor)); break;
      case kType: tensor.type = field->value; break;
      case kName: tensor.name = field->bytes; break;
      case kRawData: tensor.raw_bytes = field->bytes.size(); break;
      case kExternalData: RETURN_IF_ERROR(read_external_entry(field->bytes, &tensor)); break;
      case kDataLocation: tensor.is_external = field->value == 1; break;
      default: break;
    }
  }
  if (reader.failed()) return truncated();
  return tensor;
}

Result<void> OnnxWalker::multiply_dims(const ProtoField& field, Tensor* tensor) const {
  const auto multiply = [&](uint64_t dim) -> Result<void> {
    const bool fits = dim <= kMaxElements && (dim == 0 || tensor->elements <= kMaxElements / dim);
    if (!fits) return corrupt("tensor '" + printable(tensor->name) + "' has a dimension that is out of range");
    tensor->elements *= dim;
    return {};
  };
  if (!field.is_bytes()) return multiply(field.value);
  ProtoReader packed(field.bytes);
  while (!packed.at_end()) {
    const auto dim = packed.next_varint();
    if (!dim) return truncated();
    RETURN_IF_ERROR(multiply(*dim));
  }
  return {};
}

Result<void> OnnxWalker::read_external_entry(std::string_view message, Tensor* tensor) const {
  std::string_view key;
  std::string_view value;
  ProtoReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == 1) key = field->bytes;
    if (field->number == 2) value = field->bytes;
  }
  if (reader.failed()) return truncated();
  if (key == "location") tensor->location = value;
  if (key == "offset") tensor->offset = value;
  if (key == "length") tensor->length = value;
  return {};
}

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<void> OnnxWalker::check_external(const Tensor& tensor, uint64_t bytes) {
  ASSIGN_OR_RETURN(const uint64_t available, external_file_bytes(tensor.location, tensor.name));
  const std::optional<uint64_t> offset = parse_size(tensor.offset);
  const std::optional<uint64_t> length = tensor.length.empty() ? bytes : parse_size(tensor.length);
  if (!offset || !length || *length != bytes || *offset > available || *length > available - *offset) {
    return corrupt("tensor '" + printable(tensor.name) + "' needs " + std::to_string(bytes) + " bytes, but offset '" +
                   printable(tensor.offset) + "' and length '" + printable(tensor.length) + "' of " + tensor.location +
                   " (" + std::to_string(available) + " bytes) do not give them");
  }
  return {};
}

Result<uint64_t> OnnxWalker::external_file_bytes(const std::string& location, std::string_view tensor) {
  if (const auto known = m_external.find(location); known != m_external.end()) return known->second;
  const std::filesystem::path path(location);
  // The engine reads the name by other rules than we do: nothing unusual in it.
  const bool is_plain = find_invalid_utf8(location) == kValidUtf8 && printable(location) == location;
  if (location.empty() || !is_plain || path.is_absolute() || std::ranges::find(path, "..") != path.end()) {
    return corrupt("tensor '" + printable(tensor) + "' has its data in '" + printable(location) +
                   "', which is not a file of the model's folder");
  }
  const std::string full = m_folder + "/" + location;
  std::error_code failed;
  if (!std::filesystem::is_regular_file(full, failed)) {
    return error(StatusCode::kNotFound, m_path + ": " + full + ", which holds its data, is missing");
  }
  const uint64_t size = std::filesystem::file_size(full, failed);
  if (failed) return error(StatusCode::kNotFound, m_path + ": " + full + " cannot be read: " + failed.message());
  m_external.emplace(location, size);
  return size;
}

}  // namespace

std::span<const std::string_view> onnx_file_names() {
  static constexpr std::string_view kNames[] = {
      "model.onnx",      "model_quantized.onnx",      "model_int8.onnx",      "model_fp16.onnx",
      "onnx/model.onnx", "onnx/model_quantized.onnx", "onnx/model_int8.onnx", "onnx/model_fp16.onnx"};
  return kNames;
}

std::optional<std::string> find_onnx_file(const std::string& directory) {
  for (const std::string_view name : onnx_file_names()) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(std::filesystem::path(directory) / name, ignored)) return std::string(name);
  }
  return std::nullopt;
}

Result<OnnxFileFacts> read_onnx_file(const std::string& directory, const std::string& file) {
  const std::string path = directory + "/" + file;
  ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::open(path));
  if (mapped.bytes().size() > kMaxFileBytes) {
    return error(StatusCode::kTooLarge, path + ": has more than 2 GB, which no ONNX file can have");
  }
  return OnnxWalker(path, std::filesystem::path(path).parent_path().string()).walk(mapped.bytes());
}

}  // namespace vivace
