#include "formats/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"
#include "formats/json_file.h"

namespace vivace {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr DType kDTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kI8, DType::kU8, DType::kI32, DType::kI64};

static_assert(std::endian::native == std::endian::little, "the format is little-endian and tensors are used in place");

// One line of the header. Offsets count from the first byte after the header.
struct Entry {
  std::string_view name;
  DType dtype = DType::kF32;
  Shape shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

std::unexpected<Status> corrupt(std::string_view origin, const std::string& message) {
  return error(StatusCode::kCorruptFile, std::string(origin) + ": " + message);
}

std::unexpected<Status> bad_tensor(std::string_view origin, const Entry& entry, const std::string& message,
                                   StatusCode code = StatusCode::kCorruptFile) {
  return error(code, std::string(origin) + ": tensor '" + printable(entry.name) + "' " + message);
}

Result<std::string_view> find_header(std::string_view bytes, std::string_view origin) {
  if (bytes.size() < kLengthBytes) {
    return corrupt(origin, "has " + std::to_string(bytes.size()) +
                               " bytes, too few for a safetensors file; copy or download it again");
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    return corrupt(origin, "says that its header has " + std::to_string(length) + " bytes, more than the limit of " +
                               std::to_string(kMaxHeaderBytes) + "; it is not a safetensors file");
  }
  if (length > bytes.size() - kLengthBytes) {
    return corrupt(origin, "says that its header has " + std::to_string(length) + " bytes, but only " +
                               std::to_string(bytes.size() - kLengthBytes) +
                               " follow; it was cut short, copy or download it again");
  }
  return bytes.substr(kLengthBytes, length);
}

Result<void> check_metadata(const JsonValue& metadata) {
  if (metadata.is_null()) return {};
  ASSIGN_OR_RETURN(const auto members, metadata.as_object());
  for (const auto& [key, value] : members) RETURN_IF_ERROR(value.as_string());
  return {};
}

Result<void> read_dtype(const JsonValue& value, std::string_view origin, Entry* entry) {
  ASSIGN_OR_RETURN(const std::string_view name, value.as_string());
  const auto* const known = std::ranges::find(kDTypes, name, dtype_name);
  if (known == std::end(kDTypes)) {
    return bad_tensor(origin, *entry,
                      "has dtype '" + printable(name) + "'; supported are F32, F16, BF16, I8, U8, I32 and I64",
                      StatusCode::kUnsupported);
  }
  entry->dtype = *known;
  return {};
}

Result<void> read_shape(const JsonValue& value, std::string_view origin, Entry* entry) {
  const auto items = value.as_array(Shape::kMaxRank);
  if (!items && items.error().code == StatusCode::kTooLarge) {
    return bad_tensor(origin, *entry, "has more than " + std::to_string(Shape::kMaxRank) + " dimensions",
                      StatusCode::kUnsupported);
  }
  if (!items) return std::unexpected(items.error());
  std::vector<int64_t> extents;
  for (const JsonValue& item : *items) {
    ASSIGN_OR_RETURN(const int64_t extent, item.as_integer(0, INT64_MAX));
    extents.push_back(extent);
  }
  entry->shape = Shape(std::span<const int64_t>(extents));
  return {};
}

// Bytes that shape and dtype ask for; nullopt when they do not fit 64 bits, counting in the order of Shape::elements().
std::optional<uint64_t> size_in_bytes(const Entry& entry) {
  int64_t elements = 1;
  for (size_t axis = 0; axis < entry.shape.rank(); ++axis) {
    if (__builtin_mul_overflow(elements, entry.shape[axis], &elements)) return std::nullopt;
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(elements, static_cast<int64_t>(dtype_size(entry.dtype)), &bytes)) return std::nullopt;
  return static_cast<uint64_t>(bytes);
}

Result<void> read_offsets(const JsonValue& value, std::string_view origin, Entry* entry) {
  ASSIGN_OR_RETURN(const auto offsets, value.as_array(2));
  if (offsets.size() != 2) return value.fail("expected two offsets, found " + std::to_string(offsets.size()));
  ASSIGN_OR_RETURN(const int64_t begin, offsets[0].as_integer(0, INT64_MAX));
  ASSIGN_OR_RETURN(const int64_t end, offsets[1].as_integer(0, INT64_MAX));
  if (end < begin) {
    return bad_tensor(
        origin, *entry,
        "ends before it begins: data_offsets [" + std::to_string(begin) + ", " + std::to_string(end) + "]");
  }
  entry->begin = static_cast<uint64_t>(begin);
  entry->end = static_cast<uint64_t>(end);
  return {};
}

Result<Entry> read_entry(std::string_view name, const JsonValue& value, std::string_view origin) {
  Entry entry;
  entry.name = name;
  ASSIGN_OR_RETURN(const JsonValue dtype, value.get("dtype"));
  ASSIGN_OR_RETURN(const JsonValue shape, value.get("shape"));
  ASSIGN_OR_RETURN(const JsonValue offsets, value.get("data_offsets"));
  RETURN_IF_ERROR(read_dtype(dtype, origin, &entry));
  RETURN_IF_ERROR(read_shape(shape, origin, &entry));
  RETURN_IF_ERROR(read_offsets(offsets, origin, &entry));
  const auto expected = size_in_bytes(entry);
  if (!expected) return bad_tensor(origin, entry, "has shape " + entry.shape.to_string() + ", which is too large");
  if (*expected != entry.end - entry.begin) {
    return bad_tensor(origin, entry,
                      "has " + std::to_string(entry.end - entry.begin) + " bytes, but its shape " +
                          entry.shape.to_string() + " of " + std::string(dtype_name(entry.dtype)) + " needs " +
                          std::to_string(*expected));
  }
  return entry;
}

Result<std::vector<Entry>> read_entries(const JsonValue& header, std::string_view origin) {
  ASSIGN_OR_RETURN(const auto members, header.as_object());
  std::vector<Entry> entries;
  entries.reserve(members.size());
  for (const auto& [name, value] : members) {
    if (name == "__metadata__") {
      RETURN_IF_ERROR(check_metadata(value));
      continue;
    }
    ASSIGN_OR_RETURN(entries.emplace_back(), read_entry(name, value, origin));
  }
  return entries;
}

// The tensors, in the order of their offsets, must cover the data from its first byte to its last.
Result<void> check_layout(const std::vector<Entry>& entries, uint64_t data_bytes, std::string_view origin) {
  uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < covered) return bad_tensor(origin, entry, "overlaps the tensor before it");
    if (entry.begin > covered) {
      return bad_tensor(origin, entry, "leaves a gap of " + std::to_string(entry.begin - covered) + " bytes before it");
    }
    if (entry.end > data_bytes) {
      return bad_tensor(origin, entry,
                        "ends at byte " + std::to_string(entry.end) + ", but the file holds only " +
                            std::to_string(data_bytes) + " bytes of tensors; copy or download it again");
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    return corrupt(origin, "has " + std::to_string(data_bytes - covered) + " bytes that belong to no tensor");
  }
  return {};
}

}  // namespace

Result<std::map<std::string, TensorView, std::less<>>> parse_safetensors(std::string_view bytes,
                                                                         std::string_view origin) {
  ASSIGN_OR_RETURN(const std::string_view header, find_header(bytes, origin));
  ASSIGN_OR_RETURN(const JsonDocument document, as_file_error(JsonDocument::parse(header, origin)));
  ASSIGN_OR_RETURN(std::vector<Entry> entries, as_file_error(read_entries(document.root(), origin)));
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  const std::string_view data = bytes.substr(kLengthBytes + header.size());
  RETURN_IF_ERROR(check_layout(entries, data.size(), origin));
  std::map<std::string, TensorView, std::less<>> tensors;
  for (const Entry& entry : entries) {
    const auto* const first = reinterpret_cast<const std::byte*>(data.data() + entry.begin);
    tensors.emplace(entry.name, TensorView{first, entry.dtype, entry.shape});
  }
  return tensors;
}

}  // namespace vivace
