// Lines from a file or standard input, one at a time, with bounded memory. Reads what is there without waiting for a
// full buffer, so that a line typed or piped in is answered at once.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/status.h"

namespace vivace {

// Some programs begin UTF-8 files with one.
std::string_view without_byte_order_mark(std::string_view text);

// Of lines that hold JSON: no object stands there, as at the end of many files.
bool is_blank_line(std::string_view line);

class LineReader {
 public:
  static constexpr size_t kMaxLineBytes = size_t{64} << 20;

  // "-" is standard input. kNotFound when the file is missing; kInvalidArgument when it is a folder, or the file that
  // standard output goes to.
  static Result<LineReader> open(const std::string& path);
  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader();

  // The next line without its end ("\n" or "\r\n"), the first also without a byte order mark; nullopt at the end of the
  // input or when stop is requested. The view holds until the next call. kTooLarge for a line over kMaxLineBytes, of
  // which the next call drops the rest: who wants to can go on with the line after it.
  Result<std::optional<std::string_view>> next(const std::stop_token& stop = {});

  // True when next() would have to wait for the input.
  bool would_wait() const { return m_buffer.find('\n', m_begin) == std::string::npos && !m_ended; }

  uint64_t line_number() const { return m_line_number; }                 // of the line that next() gave last, from 1
  uint64_t bytes_taken() const { return m_bytes_taken; }                 // by the lines given so far
  std::optional<uint64_t> total_bytes() const { return m_total_bytes; }  // of a regular file

 private:
  LineReader(int descriptor, std::string name) : m_descriptor(descriptor), m_name(std::move(name)) {}
  Result<bool> fill(const std::stop_token& stop);
  Result<bool> skip_rest(const std::stop_token& stop);

  int m_descriptor;
  std::string m_name;
  std::string m_buffer;
  size_t m_begin = 0;
  bool m_ended = false;
  bool m_skips_rest = false;  // of a line that was too long
  uint64_t m_line_number = 0;
  uint64_t m_bytes_taken = 0;
  std::optional<uint64_t> m_total_bytes;
};

}  // namespace vivace
