// Embeddings as a file: JSON lines or a NumPy array. Rows come in input order, from one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "cli/output_file.h"
#include "engine/request.h"

namespace vivace {

class VectorWriter {
 public:
  virtual ~VectorWriter() = default;
  // Reads what an interrupted run left in the file, cuts off an incomplete last row, and answers the index of the first
  // input that is missing. kCorruptFile when the file is not ours.
  virtual Result<uint64_t> resume() = 0;
  virtual Result<void> write(uint64_t index, const TextEmbedding& embedding) = 0;
  // A text without vector, where the user asked to go on.
  virtual Result<void> write_problem(uint64_t index, std::string_view problem) = 0;
  virtual Result<void> flush() = 0;   // all rows so far can be read by others
  virtual Result<void> finish() = 0;  // once, at the end
};

enum class VectorsOfText { kOne, kOneForEachToken };

// {"index":0,"tokens":5,"embedding":[…]} a line; "truncated":true where the text was cut. vector_size: values of one
// vector; with kOneForEachToken the embedding is a list of such vectors.
std::unique_ptr<VectorWriter> make_jsonl_writer(OutputFile file, size_t vector_size, VectorsOfText vectors);

// A float32 array [texts, vector_size] as numpy.load reads it. A pipe, where the header cannot be mended at the end,
// gets the array in one go from a temporary file.
Result<std::unique_ptr<VectorWriter>> make_npy_writer(OutputFile file, size_t vector_size);

// The 128 header bytes of a C-order little-endian float32 array.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (version 1.0)
std::string npy_header(uint64_t rows, uint64_t columns);

}  // namespace vivace
