#include "formats/packed_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/cpu_topology.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "formats/checksum.h"
#include "formats/packed_layout.h"
#include "tensor/four_bit_panel.h"

namespace vivace {

// Turns the index into the maps of a PackedFile; every section is checked to lie inside the file.
class PackedIndexReader {
 public:
  PackedIndexReader(PackedFile& file, uint64_t sections_end) : m_file(file), m_end(sections_end) {}

  Result<void> read(const JsonValue& root) {
    RETURN_IF_ERROR(read_info(root));
    ASSIGN_OR_RETURN(const JsonValue tensors, root.get("tensors"));
    RETURN_IF_ERROR(each(tensors, [&](std::string_view name, const JsonValue& v) { return read_tensor(name, v); }));
    ASSIGN_OR_RETURN(const JsonValue matrices, root.get("matrices"));
    RETURN_IF_ERROR(each(matrices, [&](std::string_view name, const JsonValue& v) { return read_matrix(name, v); }));
    ASSIGN_OR_RETURN(const JsonValue floats, root.get("floats"));
    RETURN_IF_ERROR(each(floats, [&](std::string_view name, const JsonValue& v) -> Result<void> {
      ASSIGN_OR_RETURN(m_file.m_floats[std::string(name)], section(v, sizeof(float)));
      return {};
    }));
    ASSIGN_OR_RETURN(const JsonValue files, root.get("files"));
    return each(files, [&](std::string_view name, const JsonValue& v) -> Result<void> {
      ASSIGN_OR_RETURN(const PackedFile::Section place, section(v, 1));
      m_file.m_files[std::string(name)] = m_file.m_bytes.substr(place.begin, place.bytes);
      return {};
    });
  }

 private:
  static constexpr int64_t kMaxExtent = int64_t{1} << 26;

  template <typename Read>
  static Result<void> each(const JsonValue& object, Read read) {
    ASSIGN_OR_RETURN(const auto members, object.as_object());
    for (const auto& [name, value] : members) RETURN_IF_ERROR(read(name, value));
    return {};
  }

  Result<void> read_info(const JsonValue& root) {
    PackedFileInfo& info = m_file.m_info;
    ASSIGN_OR_RETURN(info.table, root.string_or("table", ""));
    ASSIGN_OR_RETURN(info.source, root.string_or("source", ""));
    ASSIGN_OR_RETURN(const std::string precision, root.string_or("precision", ""));
    const auto known = find_precision(precision);
    if (!known || *known == Precision::kAuto) return root.fail("names no precision");
    info.precision = *known;
    ASSIGN_OR_RETURN(const JsonValue kept, root.get("kept_in_bf16"));
    ASSIGN_OR_RETURN(const auto layers, kept.as_array());
    for (const JsonValue& layer : layers) {
      ASSIGN_OR_RETURN(const std::string_view name, layer.as_string());
      info.kept_in_bf16.emplace_back(name);
    }
    return {};
  }

  // [begin, bytes] of values of that size.
  Result<PackedFile::Section> section(const JsonValue& value, size_t value_bytes) const {
    ASSIGN_OR_RETURN(const auto pair, value.as_array(2));
    if (pair.size() != 2) return value.fail("is no section");
    PackedFile::Section found;
    ASSIGN_OR_RETURN(const int64_t begin, pair[0].as_integer(sizeof(PackedHeader), static_cast<int64_t>(m_end)));
    ASSIGN_OR_RETURN(const int64_t bytes, pair[1].as_integer(0, static_cast<int64_t>(m_end) - begin));
    found = {static_cast<size_t>(begin), static_cast<size_t>(bytes)};
    if (found.begin % kPackedAlignment != 0 || found.bytes % value_bytes != 0) return value.fail("is misplaced");
    return found;
  }

  Result<PackedFile::Section> section_of(const JsonValue& object, std::string_view key, size_t bytes) const {
    ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
    ASSIGN_OR_RETURN(const PackedFile::Section found, section(value, 1));
    if (found.bytes != bytes) return value.fail("has another size than the matrix asks for");
    return found;
  }

  Result<void> read_matrix(std::string_view name, const JsonValue& value) {
    PackedFile::Matrix matrix;
    ASSIGN_OR_RETURN(const int64_t k, value.integer_or("k", 0, 1, kMaxExtent));
    ASSIGN_OR_RETURN(const int64_t n, value.integer_or("n", 0, 1, kMaxExtent));
    ASSIGN_OR_RETURN(const int64_t width, value.integer_or("width", 0, 1, 1024));
    ASSIGN_OR_RETURN(const int64_t depth, value.integer_or("depth", 0, 1, 64));
    if (k == 0 || n == 0 || width == 0 || depth == 0) return value.fail("lacks a size");
    ASSIGN_OR_RETURN(const DType dtype, read_dtype(value));
    matrix.k = static_cast<int>(k);
    matrix.n = static_cast<int>(n);
    matrix.layout = {dtype, static_cast<int>(width), static_cast<int>(depth)};
    const bool is_float = dtype == DType::kF32 || dtype == DType::kBF16;
    if (!is_float && !matrix.layout.is_quantized()) return value.fail("has no such type");
    if (dtype == DType::kI4 && kFourBitGroup / 2 % depth != 0) return value.fail("has no such depth");
    ASSIGN_OR_RETURN(matrix.data,
                     section_of(value, "data", PackedMatrix::data_bytes(matrix.k, matrix.n, matrix.layout)));
    if (matrix.layout.is_quantized()) {
      const size_t bytes = PackedMatrix::column_entries(matrix.n, matrix.layout) * sizeof(float);
      ASSIGN_OR_RETURN(matrix.scales, section_of(value, "scales", bytes));
      ASSIGN_OR_RETURN(matrix.offsets, section_of(value, "offsets", bytes));
      RETURN_IF_ERROR(read_outliers(value, &matrix));
      ASSIGN_OR_RETURN(matrix.outlier_weights, section_of(value, "outlier_weights", matrix.outliers.size() * bytes));
    }
    m_file.m_matrices[std::string(name)] = std::move(matrix);
    return {};
  }

  static Result<void> read_outliers(const JsonValue& value, PackedFile::Matrix* matrix) {
    ASSIGN_OR_RETURN(const JsonValue outliers, value.get("outliers"));
    ASSIGN_OR_RETURN(const auto inputs, outliers.as_array(PackedMatrix::kMostOutliers));
    for (const JsonValue& input : inputs) {
      ASSIGN_OR_RETURN(const int64_t index, input.as_integer(0, matrix->k - 1));
      matrix->outliers.push_back(static_cast<int32_t>(index));
    }
    if (PackedMatrix::are_outliers(matrix->outliers, matrix->k)) return {};
    return outliers.fail("is not ascending");
  }

  static Result<DType> read_dtype(const JsonValue& value) {
    ASSIGN_OR_RETURN(const std::string name, value.string_or("dtype", ""));
    for (const DType dtype :
         {DType::kF32, DType::kF16, DType::kBF16, DType::kI8, DType::kU8, DType::kI32, DType::kI64, DType::kI4}) {
      if (name == dtype_name(dtype)) return dtype;
    }
    return value.fail("has no type");
  }

  Result<void> read_tensor(std::string_view name, const JsonValue& value) {
    ASSIGN_OR_RETURN(const DType dtype, read_dtype(value));
    if (dtype == DType::kI4) return value.fail("has a type of matrices only");
    ASSIGN_OR_RETURN(const JsonValue shape, value.get("shape"));
    ASSIGN_OR_RETURN(const auto extents, shape.as_array(Shape::kMaxRank));
    std::vector<int64_t> sizes;
    int64_t elements = 1;
    for (const JsonValue& extent : extents) {
      ASSIGN_OR_RETURN(const int64_t size, extent.as_integer(0, kMaxExtent));
      sizes.push_back(size);
      if (size > 0 && elements > (int64_t{1} << 40) / size) return value.fail("is too large");
      elements *= size;
    }
    const auto* somewhere = reinterpret_cast<const std::byte*>(m_file.m_bytes.data());
    m_file.m_tensors[std::string(name)] = {somewhere, dtype, Shape(sizes)};
    return {};
  }

  PackedFile& m_file;
  uint64_t m_end;
};

namespace {

constexpr size_t kMaxIndexBytes = 256 << 20;

std::unexpected<Status> corrupt(const std::string& path, const std::string& what) {
  return error(StatusCode::kCorruptFile, path + ": " + what + "; make it again with `vivace pack`");
}

Result<PackedHeader> read_header(std::string_view bytes, const std::string& path) {
  PackedHeader header;
  if (bytes.size() < sizeof header || std::memcmp(bytes.data(), kPackedMagic, sizeof kPackedMagic) != 0) {
    return corrupt(path, "is no packed model");
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kPackedFileVersion) {
    return error(StatusCode::kUnsupported, path + ": is of version " + std::to_string(header.version) +
                                               ", this program reads version " + std::to_string(kPackedFileVersion) +
                                               "; make it again with `vivace pack`");
  }
  if (header.file_bytes != bytes.size()) {
    return corrupt(
        path, "has " + std::to_string(bytes.size()) + " bytes, its header says " + std::to_string(header.file_bytes));
  }
  if (header.index_bytes > kMaxIndexBytes || header.index_begin < sizeof header || header.index_begin > bytes.size() ||
      header.index_bytes > bytes.size() - header.index_begin) {
    return corrupt(path, "its index lies outside of it");
  }
  return header;
}

}  // namespace

Result<std::shared_ptr<const PackedFile>> PackedFile::open(const std::string& path) {
  ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::open(path));
  const auto owner = std::make_shared<const MappedFile>(std::move(mapped));
  return parse(owner->bytes(), owner, path);
}

Result<std::shared_ptr<const PackedFile>> PackedFile::parse(std::string_view bytes, std::shared_ptr<const void> owner,
                                                            const std::string& path) {
  ASSIGN_OR_RETURN(const PackedHeader header, read_header(bytes, path));
  auto file = std::make_shared<PackedFile>();
  file->m_path = path;
  file->m_checksum = header.checksum;
  file->m_bytes = bytes;
  file->m_owner = std::move(owner);
  if (auto read = read_index(*file, header); !read) {
    RETURN_IF_ERROR(file->verify());  // what is wrong with a damaged file is the damage
    return std::unexpected(std::move(read).error());
  }
  return file;
}

Result<std::shared_ptr<const PackedFile>> PackedFile::copy() const {
  const auto memory = std::make_shared<AlignedBuffer<char>>(m_bytes.size());
  std::ranges::copy(m_bytes, memory->data());
  return parse({memory->data(), memory->size()}, memory, m_path);
}

Result<void> PackedFile::read_index(PackedFile& file, const PackedHeader& header) {
  ASSIGN_OR_RETURN(
      const JsonDocument index,
      JsonDocument::parse(file.m_bytes.substr(header.index_begin, header.index_bytes), file.m_path + ": index"));
  if (auto read = PackedIndexReader(file, header.index_begin).read(index.root()); !read) {
    return corrupt(file.m_path, read.error().message);
  }
  return {};
}

Result<void> PackedFile::verify() const {
  std::call_once(m_once, [this] {
    constexpr size_t kWorthThreads = 8 << 20;
    const int threads = m_bytes.size() < kWorthThreads ? 1 : read_cpu_limits().usable_threads();
    m_is_intact = checksum(m_bytes.substr(sizeof(PackedHeader)), threads) == m_checksum;
  });
  if (m_is_intact) return {};
  return corrupt(m_path, "its checksum is wrong, the file was damaged");
}

template <typename T>
AlignedBuffer<T> PackedFile::view(const Section& section) const {
  if (section.bytes == 0) return {};
  return {reinterpret_cast<const T*>(m_bytes.data() + section.begin), section.bytes / sizeof(T), shared_from_this()};
}

std::optional<PackedMatrix> PackedFile::matrix(std::string_view key) const {
  const auto found = m_matrices.find(key);
  if (found == m_matrices.end()) return std::nullopt;
  const Matrix& m = found->second;
  AlignedBuffer<int32_t> outliers;
  if (!m.outliers.empty()) {
    outliers = AlignedBuffer<int32_t>(m.outliers.size());
    std::ranges::copy(m.outliers, outliers.data());
  }
  return PackedMatrix(m.k, m.n, m.layout,
                      {.data = view<std::byte>(m.data),
                       .scales = view<float>(m.scales),
                       .offsets = view<int32_t>(m.offsets),
                       .outliers = std::move(outliers),
                       .outlier_weights = view<float>(m.outlier_weights)});
}

std::map<std::string, std::vector<int32_t>> PackedFile::outliers() const {
  std::map<std::string, std::vector<int32_t>> found;
  for (const auto& [key, matrix] : m_matrices) {
    if (!matrix.outliers.empty()) found[key.substr(0, key.rfind(':'))] = matrix.outliers;
  }
  return found;
}

AlignedBuffer<float> PackedFile::floats(std::string_view key) const {
  const auto found = m_floats.find(key);
  return found == m_floats.end() ? AlignedBuffer<float>() : view<float>(found->second);
}

}  // namespace vivace
