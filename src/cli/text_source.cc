#include "cli/text_source.h"

#include <cstdio>
#include <utility>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "base/json.h"
#include "base/utf8.h"

namespace vivace {
namespace {

Result<InputText> read_json(std::string_view line, const std::string& place) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(line, place));
  ASSIGN_OR_RETURN(const JsonValue member, document.root().get("text"));
  ASSIGN_OR_RETURN(const std::string_view text, member.as_string());
  InputText input;
  input.text = text;
  if (const auto pair = document.root().find("text_pair")) {
    ASSIGN_OR_RETURN(const std::string_view second, pair->as_string());
    input.text_pair = second;
  }
  return input;
}

// Why the text cannot be used, empty when it can.
std::string problem_of(std::string_view text, const std::string& place) {
  if (text.empty()) return place + " is empty";
  if (const size_t byte = find_invalid_utf8(text); byte != kValidUtf8) {
    return place + " is not valid UTF-8 (byte " + std::to_string(byte + 1) +
           "); convert it, e.g. with `iconv -t UTF-8`";
  }
  return {};
}

}  // namespace

void add_input_options(CLI::App& verb, InputOptions* options) {
  auto* texts = verb.add_option("TEXT", options->texts, "Texts; without any, --file or standard input is read");
  verb.add_option("--file", options->file, "Read texts from this file, - is standard input")->excludes(texts);
  verb.add_option("--input-format", options->format,
                  "lines: one text a line; jsonl: objects with \"text\" (by the file's ending)")
      ->check(CLI::IsMember({"lines", "jsonl"}))
      ->excludes(texts);
}

Result<TextSource> TextSource::open(const InputOptions& options) {
  TextSource source;
  if (!options.texts.empty()) {
    source.m_arguments = options.texts;
    return source;
  }
  ASSIGN_OR_RETURN(LineReader reader, LineReader::open(options.file));
  if (options.file == "-" && isatty(STDIN_FILENO) != 0) {
    std::fputs("vivace: reading texts from the terminal, one a line; end with Ctrl-D\n", stderr);
  }
  source.m_reader.emplace(std::move(reader));
  source.m_name = options.file == "-" ? "standard input line " : options.file + " line ";
  const bool named_jsonl = options.file.ends_with(".jsonl") || options.file.ends_with(".ndjson");
  source.m_format =
      options.format == "jsonl" || (options.format.empty() && named_jsonl) ? InputFormat::kJsonl : InputFormat::kLines;
  return source;
}

InputText TextSource::read_line(std::string_view line) const {
  InputText input;
  const std::string place = m_name + std::to_string(m_reader->line_number());
  if (m_format == InputFormat::kLines || line.empty()) {
    input.problem = problem_of(line, place);
    if (input.problem.empty()) input.text = line;
    return input;
  }
  auto read = read_json(line, place);
  if (!read) {
    input.problem = read.error().message;
    return input;
  }
  input.problem = problem_of(read->text, place);
  if (input.problem.empty()) input = std::move(*read);
  return input;
}

Result<std::vector<InputText>> TextSource::next(size_t max_texts, size_t max_bytes, const std::stop_token& stop) {
  std::vector<InputText> inputs;
  size_t bytes = 0;
  while (inputs.size() < max_texts && bytes < max_bytes) {
    InputText input;
    if (m_reader) {
      if (!inputs.empty() && m_reader->would_wait()) break;
      ASSIGN_OR_RETURN(const std::optional<std::string_view> line, m_reader->next(stop));
      if (!line) break;
      input = read_line(*line);
    } else {
      if (m_next_index == m_arguments.size()) break;
      std::string& argument = m_arguments[m_next_index];
      input.problem = problem_of(argument, "text " + std::to_string(m_next_index + 1));
      if (input.problem.empty()) input.text = std::move(argument);
    }
    input.index = m_next_index++;
    bytes += input.text.size();
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::optional<double> TextSource::fraction_taken() const {
  if (!m_reader) return static_cast<double>(m_next_index) / static_cast<double>(m_arguments.size());
  if (!m_reader->total_bytes() || *m_reader->total_bytes() == 0) return std::nullopt;
  return std::min(1.0, static_cast<double>(m_reader->bytes_taken()) / static_cast<double>(*m_reader->total_bytes()));
}

}  // namespace vivace
