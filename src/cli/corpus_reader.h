// Pieces of evidence from a corpus, a file or standard input: a JSON array (or an object whose "evidence" is one), JSON
// objects a line, or CSV with a header, with or without a byte order mark. Fields: content (or text); optional id,
// source_url (or url), source_type (or source). A row without an id gets one made from its content, so that the same
// row has the same id in every run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "cli/line_reader.h"
#include "store/evidence_records.h"

namespace vivace {

enum class CorpusFormat { kJson, kJsonl, kCsv };

struct CorpusRow {
  EvidenceRecord evidence;
  std::string problem;  // not empty: why the row cannot be used, naming its place
};

class CorpusReader {
 public:
  static constexpr size_t kMaxJsonBytes = size_t{1} << 30;  // a JSON array is read as a whole

  // path: "-" is standard input. format: "json", "jsonl" or "csv"; empty: by the file's ending (.json, .jsonl, .ndjson,
  // .csv), standard input is JSON lines. kInvalidArgument for another ending, a header without content, or JSON that is
  // no list.
  static Result<CorpusReader> open(const std::string& path, std::string_view format = {});

  // The next rows, none at the end. Damage that hides where the next row begins is an error; a wrong row is a problem.
  Result<std::vector<CorpusRow>> next(size_t max_rows);
  // How much has been given out, 0 to 1.
  double fraction_taken() const;

 private:
  explicit CorpusReader(LineReader lines) : m_lines(std::move(lines)) {}
  Result<void> read_json(const std::string& path);
  Result<std::string> read_rest();
  Result<void> read_csv_header();
  Result<std::optional<CorpusRow>> next_json_line();
  Result<std::optional<CorpusRow>> next_csv_row();
  Result<std::optional<std::vector<std::string>>> next_csv_record();
  std::string place() const;

  LineReader m_lines;
  std::string m_name;  // the file's, or "standard input": what a place begins with
  CorpusFormat m_format = CorpusFormat::kJsonl;
  std::vector<CorpusRow> m_rows;  // of a JSON array
  size_t m_next_row = 0;
  std::vector<std::string> m_columns;  // of CSV
};

// The fields of one CSV record (RFC 4180), which takes several lines where a quoted field does.
class CsvRecord {
 public:
  // line: without its end. True when the record ends with it; false when a quoted field goes on in the next line.
  bool add_line(std::string_view line);
  std::vector<std::string> take_fields() { return std::move(m_fields); }

 private:
  std::vector<std::string> m_fields = std::vector<std::string>(1);
  bool m_quoted = false;  // the last field goes on
};

}  // namespace vivace
