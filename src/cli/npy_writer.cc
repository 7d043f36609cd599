#include <bit>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/vector_writer.h"

namespace vivace {
namespace {

static_assert(std::endian::native == std::endian::little, "the array is written as it stands in memory");

constexpr size_t kHeaderBytes = 128;
constexpr size_t kCopyBytes = size_t{1} << 20;

// An unnamed file for rows that cannot go to the output yet.
Result<OutputFile> temporary_file() {
  std::error_code failed;
  const auto folder = std::filesystem::temp_directory_path(failed);
  std::string path = (failed ? std::filesystem::path("/tmp") : folder) / "vivace-npy-XXXXXX";
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) return error(StatusCode::kInternal, "cannot make a temporary file like " + path);
  close(descriptor);
  auto file = OutputFile::open(path, OutputFile::Existing::kContinue);
  unlink(path.c_str());
  return file;
}

class NpyWriter final : public VectorWriter {
 public:
  // rows: where rows are collected, the output itself or a temporary file; then pipe is the output.
  NpyWriter(OutputFile rows, std::optional<OutputFile> pipe, size_t vector_size)
      : m_file(std::move(rows)), m_pipe(std::move(pipe)), m_columns(vector_size) {}

  Result<uint64_t> resume() override {
    ASSIGN_OR_RETURN(const uint64_t size, m_file.size());
    if (size < kHeaderBytes) {
      RETURN_IF_ERROR(m_file.truncate(0));
      return 0;
    }
    const std::string expected = npy_header(0, m_columns);
    ASSIGN_OR_RETURN(const std::string found, m_file.read_at(0, kHeaderBytes));
    // Only the row count may differ: it is 0 until a run ends.
    const size_t rows_begin = expected.find("(0, ") + 1;
    const size_t rows_end = found.find(',', rows_begin);
    const size_t columns_end = expected.find(')');
    const std::string columns = expected.substr(rows_begin + 1, columns_end - rows_begin);
    if (rows_end == std::string::npos || found.substr(0, rows_begin) != expected.substr(0, rows_begin) ||
        found.compare(rows_end, columns.size(), columns) != 0) {
      return error(StatusCode::kCorruptFile, "--resume: the output is no float32 array of " +
                                                 std::to_string(m_columns) +
                                                 " columns from `vivace embed`; choose another --output");
    }
    m_rows = (size - kHeaderBytes) / row_bytes();
    m_has_header = true;
    RETURN_IF_ERROR(m_file.truncate(kHeaderBytes + m_rows * row_bytes()));
    return m_rows;
  }

  Result<void> write(uint64_t /*index*/, const TextEmbedding& embedding) override {
    if (embedding.values.size() != m_columns) {
      return error(StatusCode::kInternal, "a vector has another size than the array's rows");
    }
    RETURN_IF_ERROR(write_header());
    ++m_rows;
    return m_file.write({reinterpret_cast<const char*>(embedding.values.data()), row_bytes()});
  }

  Result<void> write_problem(uint64_t /*index*/, std::string_view problem) override {
    return error(StatusCode::kInvalidArgument, std::string(problem));
  }

  Result<void> flush() override { return m_file.flush(); }

  Result<void> finish() override {
    RETURN_IF_ERROR(write_header());
    RETURN_IF_ERROR(m_file.overwrite_at(0, npy_header(m_rows, m_columns)));
    return m_pipe ? copy_to_pipe() : Result<void>();
  }

 private:
  size_t row_bytes() const { return m_columns * sizeof(float); }

  Result<void> write_header() {
    if (m_has_header) return {};
    m_has_header = true;
    return m_file.write(npy_header(0, m_columns));
  }

  Result<void> copy_to_pipe() {
    ASSIGN_OR_RETURN(const uint64_t size, m_file.size());
    for (uint64_t at = 0; at < size; at += kCopyBytes) {
      ASSIGN_OR_RETURN(const std::string bytes, m_file.read_at(at, kCopyBytes));
      RETURN_IF_ERROR(m_pipe->write(bytes));
    }
    return m_pipe->flush();
  }

  OutputFile m_file;
  std::optional<OutputFile> m_pipe;
  size_t m_columns;
  uint64_t m_rows = 0;
  bool m_has_header = false;
};

}  // namespace

std::string npy_header(uint64_t rows, uint64_t columns) {
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>((kHeaderBytes - 10) & 0xff);
  header += static_cast<char>((kHeaderBytes - 10) >> 8);
  header += fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  header.resize(kHeaderBytes - 1, ' ');
  header += '\n';
  return header;
}

Result<std::unique_ptr<VectorWriter>> make_npy_writer(OutputFile file, size_t vector_size) {
  if (file.seekable()) return std::make_unique<NpyWriter>(std::move(file), std::nullopt, vector_size);
  ASSIGN_OR_RETURN(OutputFile rows, temporary_file());
  return std::make_unique<NpyWriter>(std::move(rows), std::move(file), vector_size);
}

}  // namespace vivace
