#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/json_writer.h"
#include "base/mapped_file.h"
#include "formats/checksum.h"
#include "formats/packed_file.h"
#include "formats/packed_layout.h"

namespace vivace {

// What has been written so far, and the members of the index.
struct PackedFileWriter::Parts {
  std::string path;
  std::string partial;
  std::ofstream file;
  uint64_t end = 0;
  std::map<std::string, std::string> matrices;  // key → JSON
  std::map<std::string, std::string> floats;
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> tensors;

  // [begin, bytes] of what is written at the next boundary.
  std::string write(const void* data, size_t bytes) {
    static constexpr char kZeros[kPackedAlignment] = {};
    const uint64_t padding = (kPackedAlignment - end % kPackedAlignment) % kPackedAlignment;
    file.write(kZeros, static_cast<std::streamsize>(padding));
    if (bytes > 0) file.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
    const uint64_t begin = end + padding;
    end = begin + bytes;
    return "[" + std::to_string(begin) + "," + std::to_string(bytes) + "]";
  }
};

namespace {

void write_members(JsonWriter* json, std::string_view key, const std::map<std::string, std::string>& members) {
  json->key(key).begin_object();
  for (const auto& [name, value] : members) json->key(name).raw(value);
  json->end_object();
}

std::unexpected<Status> cannot_write(const std::string& path) {
  return error(StatusCode::kInternal, path + ": cannot be written (is the disk full, may this user write there?)");
}

}  // namespace

PackedFileWriter::PackedFileWriter(const std::string& path) : m_parts(std::make_unique<Parts>()) {
  m_parts->path = path;
  m_parts->partial = path + ".partial";
  m_parts->file.open(m_parts->partial, std::ios::binary | std::ios::trunc);
  const PackedHeader empty{};
  m_parts->write(&empty, sizeof empty);
}

PackedFileWriter::~PackedFileWriter() {
  std::error_code ignored;  // after finish() there is nothing to remove
  std::filesystem::remove(m_parts->partial, ignored);
}

void PackedFileWriter::add_matrix(const std::string& key, const PackedMatrix& matrix) {
  if (m_parts->matrices.contains(key)) return;
  const PackedMatrix::Parts& parts = matrix.parts();
  JsonWriter json;
  json.begin_object().key("k").value(matrix.k()).key("n").value(matrix.n());
  json.key("dtype").value(dtype_name(matrix.dtype()));
  json.key("width").value(matrix.layout().width).key("depth").value(matrix.layout().depth);
  json.key("data").raw(m_parts->write(parts.data.data(), parts.data.bytes()));
  if (matrix.layout().is_quantized()) {
    json.key("scales").raw(m_parts->write(parts.scales.data(), parts.scales.bytes()));
    json.key("offsets").raw(m_parts->write(parts.offsets.data(), parts.offsets.bytes()));
    json.key("outliers").begin_array();
    for (const int32_t input : matrix.outliers()) json.value(input);
    json.end_array();
    json.key("outlier_weights").raw(m_parts->write(parts.outlier_weights.data(), parts.outlier_weights.bytes()));
  }
  m_parts->matrices[key] = json.end_object().take();
}

void PackedFileWriter::add_floats(const std::string& key, std::span<const float> values) {
  if (m_parts->floats.contains(key)) return;
  m_parts->floats[key] = m_parts->write(values.data(), values.size_bytes());
}

void PackedFileWriter::add_file(const std::string& name, std::string_view content) {
  m_parts->files[name] = m_parts->write(content.data(), content.size());
}

void PackedFileWriter::add_tensors(const TensorMap& tensors) {
  for (const auto& [name, tensor] : tensors) {
    JsonWriter json;
    json.begin_object().key("dtype").value(dtype_name(tensor.dtype)).key("shape").begin_array();
    for (size_t axis = 0; axis < tensor.shape.rank(); ++axis) json.value(tensor.shape[axis]);
    m_parts->tensors[name] = json.end_array().end_object().take();
  }
}

Result<void> PackedFileWriter::finish(const PackedFileInfo& info) {
  JsonWriter json;
  json.begin_object().key("table").value(info.table).key("precision").value(precision_name(info.precision));
  json.key("source").value(info.source).key("kept_in_bf16").begin_array();
  for (const std::string& layer : info.kept_in_bf16) json.value(layer);
  json.end_array();
  write_members(&json, "tensors", m_parts->tensors);
  write_members(&json, "matrices", m_parts->matrices);
  write_members(&json, "floats", m_parts->floats);
  write_members(&json, "files", m_parts->files);
  const std::string index = json.end_object().take();

  PackedHeader header{};
  std::memcpy(header.magic, kPackedMagic, sizeof header.magic);
  header.version = kPackedFileVersion;
  m_parts->write(index.data(), index.size());
  header.index_begin = m_parts->end - index.size();
  header.index_bytes = index.size();
  header.file_bytes = m_parts->end;
  m_parts->file.flush();
  if (!m_parts->file) return cannot_write(m_parts->path);
  {
    ASSIGN_OR_RETURN(const MappedFile written, MappedFile::open(m_parts->partial));
    header.checksum = checksum(written.bytes().substr(sizeof header));
  }
  m_parts->file.seekp(0);
  m_parts->file.write(reinterpret_cast<const char*>(&header), sizeof header);
  m_parts->file.close();
  std::error_code failure;
  if (m_parts->file) std::filesystem::rename(m_parts->partial, m_parts->path, failure);
  if (!m_parts->file || failure) return cannot_write(m_parts->path);
  return {};
}

std::string fingerprint(const std::string& directory) {
  constexpr size_t kEdge = 1 << 20;
  std::map<std::string, std::string> parts;  // in an order of their own, not the system's
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto file = MappedFile::open(entry.path().string());
    if (!file) continue;
    const std::string_view bytes = file->bytes();
    const size_t last = bytes.size() - std::min(bytes.size(), kEdge);
    parts[entry.path().filename().string()] = std::to_string(bytes.size()) + ":" +
                                              std::to_string(checksum(bytes.substr(0, kEdge))) + ":" +
                                              std::to_string(checksum(bytes.substr(last)));
  }
  std::string text;
  for (const auto& [name, part] : parts) text += (text.empty() ? "" : ",") + name + ":" + part;
  return text;
}

}  // namespace vivace
