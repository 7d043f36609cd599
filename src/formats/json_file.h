// Reading the small JSON files of a model directory: what base/json.h calls an invalid argument is, in a file, a file
// that contradicts its format.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/status.h"

namespace vivace {

inline constexpr size_t kMaxConfigBytes = 10 << 20;

// The same result, kInvalidArgument turned into kCorruptFile.
template <typename T>
Result<T> as_file_error(Result<T> result) {
  if (!result && result.error().code == StatusCode::kInvalidArgument) result.error().code = StatusCode::kCorruptFile;
  return result;
}

// Parses a file. Messages start with its path, then the path inside the document. kNotFound when it is missing,
// kTooLarge over max_bytes, kCorruptFile when it is not JSON.
Result<JsonDocument> read_json_file(const std::string& path, size_t max_bytes = kMaxConfigBytes);

bool file_exists(const std::string& path);

}  // namespace vivace
