#include "cli/corpus_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "cli/digest.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

constexpr size_t kMaxCsvRecordBytes = 4 * kMaxTextBytes;
constexpr size_t kIdDigits = 32;

std::string id_of_content(const std::string& content) {
  Digest digest = Digest::sha256();
  digest.update(content);
  return "sha256-" + digest.hex().substr(0, kIdDigits);
}

// The fields that the store knows, under the names that corpora give them.
EvidenceRecord from_fields(const std::map<std::string, std::string, std::less<>>& fields) {
  auto first_of = [&fields](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      const auto field = fields.find(name);
      if (field != fields.end() && !field->second.empty()) return field->second;
    }
    return std::string();
  };
  EvidenceRecord evidence;
  evidence.content = first_of({"content", "text"});
  evidence.id = first_of({"id"});
  evidence.source_url = first_of({"source_url", "url"});
  evidence.source_type = first_of({"source_type", "source"});
  if (evidence.id.empty()) evidence.id = id_of_content(evidence.content);
  return evidence;
}

CorpusRow checked(EvidenceRecord evidence, const std::string& place) {
  CorpusRow row;
  EvidenceBatch batch;
  batch.items.push_back({.evidence = evidence, .vector = {}});
  if (evidence.content.empty()) {
    row.problem = place + ": has no content (a field \"content\" or \"text\")";
  } else if (const auto fine = check_batch(batch); !fine) {
    row.problem = place + ": " + fine.error().message;
  }
  row.evidence = std::move(evidence);
  return row;
}

Result<CorpusRow> row_of_object(const JsonValue& object, const std::string& place) {
  std::map<std::string, std::string, std::less<>> fields;
  for (const std::string_view name : {"id", "content", "text", "source_url", "url", "source_type", "source"}) {
    const std::optional<JsonValue> member = object.find(name);
    if (!member) continue;
    if (name == "id" && member->is_number()) {
      fields["id"] = member->to_text();
      continue;
    }
    ASSIGN_OR_RETURN(const std::string_view text, member->as_string());
    fields[std::string(name)] = text;
  }
  return checked(from_fields(fields), place);
}

CorpusRow row_or_problem(const JsonValue& object, const std::string& place) {
  Result<CorpusRow> row = row_of_object(object, place);
  if (row) return std::move(*row);
  return {.evidence = {}, .problem = row.error().message};
}

Result<CorpusFormat> format_of(const std::string& path, std::string_view format) {
  if (path == "-" && format.empty()) return CorpusFormat::kJsonl;
  const std::string name = format.empty() ? CLI::detail::to_lower(path) : "." + std::string(format);
  if (name.ends_with(".json")) return CorpusFormat::kJson;
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return CorpusFormat::kJsonl;
  if (name.ends_with(".csv")) return CorpusFormat::kCsv;
  return error(StatusCode::kInvalidArgument,
               "'" + path + "' must end in .json, .jsonl or .csv; or say what it is with --input-format");
}

}  // namespace

bool CsvRecord::add_line(std::string_view line) {
  if (m_quoted) m_fields.back() += '\n';
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (m_quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      m_fields.back() += '"';
      ++i;
    } else if (c == '"' && (m_quoted || m_fields.back().empty())) {
      m_quoted = !m_quoted;
    } else if (c == ',' && !m_quoted) {
      m_fields.emplace_back();
    } else {
      m_fields.back() += c;
    }
  }
  return !m_quoted;
}

Result<CorpusReader> CorpusReader::open(const std::string& path, std::string_view format) {
  ASSIGN_OR_RETURN(const CorpusFormat known, format_of(path, format));
  ASSIGN_OR_RETURN(LineReader lines, LineReader::open(path));
  CorpusReader reader(std::move(lines));
  reader.m_name = path == "-" ? "standard input" : path;
  reader.m_format = known;
  if (known == CorpusFormat::kJson) RETURN_IF_ERROR(reader.read_json(path));
  if (known == CorpusFormat::kCsv) RETURN_IF_ERROR(reader.read_csv_header());
  return reader;
}

Result<std::string> CorpusReader::read_rest() {
  std::string text;
  while (true) {
    ASSIGN_OR_RETURN(const auto line, m_lines.next());
    if (!line) return text;
    if (text.size() + line->size() >= kMaxJsonBytes) {
      return error(StatusCode::kTooLarge, m_name + " is longer than a JSON array may be; give it as JSON lines");
    }
    text.append(*line).push_back('\n');
  }
}

Result<void> CorpusReader::read_json(const std::string& path) {
  // A file is read at once: its only line may be longer than a line may be.
  ASSIGN_OR_RETURN(const std::string text, path == "-" ? read_rest() : read_text_file(path, kMaxJsonBytes));
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(without_byte_order_mark(text), m_name));
  JsonValue list = document.root();
  if (list.is_object()) {
    ASSIGN_OR_RETURN(list, document.root().get("evidence"));
  }
  ASSIGN_OR_RETURN(const std::vector<JsonValue> objects, list.as_array());
  m_rows.reserve(objects.size());
  for (size_t i = 0; i < objects.size(); ++i) {
    m_rows.push_back(row_or_problem(objects[i], fmt::format("{} entry {}", m_name, i + 1)));
  }
  return {};
}

Result<void> CorpusReader::read_csv_header() {
  ASSIGN_OR_RETURN(const auto header, next_csv_record());
  if (header) m_columns = *header;
  if (std::ranges::find(m_columns, "content") == m_columns.end() &&
      std::ranges::find(m_columns, "text") == m_columns.end()) {
    return error(StatusCode::kInvalidArgument, m_name + ": its first line must name a column \"content\" or \"text\"");
  }
  return {};
}

std::string CorpusReader::place() const {
  return fmt::format("{} line {}", m_name, m_lines.line_number());
}

Result<std::optional<std::vector<std::string>>> CorpusReader::next_csv_record() {
  ASSIGN_OR_RETURN(auto line, m_lines.next());
  if (!line) return std::nullopt;
  const std::string begin = place();
  size_t bytes = line->size();
  CsvRecord record;
  while (!record.add_line(*line)) {
    ASSIGN_OR_RETURN(line, m_lines.next());
    if (!line || bytes + line->size() > kMaxCsvRecordBytes) {
      return error(StatusCode::kInvalidArgument, begin + ": a quoted field that begins here does not end");
    }
    bytes += 1 + line->size();
  }
  return record.take_fields();
}

Result<std::optional<CorpusRow>> CorpusReader::next_csv_row() {
  while (true) {
    ASSIGN_OR_RETURN(const auto record, next_csv_record());
    if (!record) return std::nullopt;
    if (record->size() == 1 && record->front().empty()) continue;  // an empty line
    if (record->size() != m_columns.size()) {
      CorpusRow row;
      row.problem = fmt::format("{}: has {} fields, the header has {}", place(), record->size(), m_columns.size());
      return row;
    }
    std::map<std::string, std::string, std::less<>> fields;
    for (size_t i = 0; i < m_columns.size(); ++i) fields[m_columns[i]] = (*record)[i];
    return checked(from_fields(fields), place());
  }
}

Result<std::optional<CorpusRow>> CorpusReader::next_json_line() {
  while (true) {
    ASSIGN_OR_RETURN(const auto line, m_lines.next());
    if (!line) return std::nullopt;
    if (is_blank_line(*line)) continue;
    const Result<JsonDocument> document = JsonDocument::parse(*line, place());
    if (!document) return CorpusRow{.evidence = {}, .problem = document.error().message};
    return row_or_problem(document->root(), place());
  }
}

Result<std::vector<CorpusRow>> CorpusReader::next(size_t max_rows) {
  std::vector<CorpusRow> rows;
  while (rows.size() < max_rows) {
    if (m_format == CorpusFormat::kJson) {
      if (m_next_row == m_rows.size()) break;
      rows.push_back(std::move(m_rows[m_next_row++]));
      continue;
    }
    ASSIGN_OR_RETURN(auto row, m_format == CorpusFormat::kCsv ? next_csv_row() : next_json_line());
    if (!row) break;
    rows.push_back(std::move(*row));
  }
  return rows;
}

double CorpusReader::fraction_taken() const {
  if (m_format == CorpusFormat::kJson) {
    return m_rows.empty() ? 1 : static_cast<double>(m_next_row) / static_cast<double>(m_rows.size());
  }
  const double total = static_cast<double>(m_lines.total_bytes().value_or(0));
  return total > 0 ? static_cast<double>(m_lines.bytes_taken()) / total : 0;
}

}  // namespace vivace
