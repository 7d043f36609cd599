#include "cli/text_source.h"

#include <cstdio>
#include <utility>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "base/utf8.h"
#include "cli/bracket_guard.h"

namespace vivace {
namespace {

Result<std::string> text_member(const JsonValue& object, std::string_view name) {
  ASSIGN_OR_RETURN(const JsonValue member, object.get(name));
  ASSIGN_OR_RETURN(const std::string_view text, member.as_string());
  return std::string(text);
}

// Why the text cannot be used, empty when it can.
std::string problem_of(std::string_view text, const std::string& place, EmptyText empty_text = EmptyText::kRefuse) {
  if (text.empty() && empty_text == EmptyText::kRefuse) return place + " is empty";
  if (const size_t byte = find_invalid_utf8(text); byte != kValidUtf8) {
    return place + " is not valid UTF-8 (byte " + std::to_string(byte + 1) +
           "); convert it, e.g. with `iconv -t UTF-8`";
  }
  return {};
}

Result<InputFormat> format_of(const InputOptions& options) {
  if (!options.format.empty()) return options.format == "jsonl" ? InputFormat::kJsonl : InputFormat::kLines;
  const std::string name = CLI::detail::to_lower(options.file);
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return InputFormat::kJsonl;
  if (!name.ends_with(".json")) return InputFormat::kLines;
  return error(StatusCode::kInvalidArgument, "'" + options.file +
                                                 "' is JSON by its name; say --input-format jsonl if each line is an "
                                                 "object with \"text\", or lines if each line is a text");
}

}  // namespace

CLI::Option* add_text_arguments(CLI::App& verb, InputOptions* options) {
  const auto take = [options](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) options->texts.push_back(without_guard(text));
  };
  return verb.add_option_function<std::vector<std::string>>("TEXT", take,
                                                            "Texts; without any, --file or standard input is read");
}

void add_input_options(CLI::App& verb, InputOptions* options) {
  auto* texts = add_text_arguments(verb, options);
  verb.add_option("--file", options->file, "Read texts from this file, - is standard input")->excludes(texts);
  verb.add_option("--input-format", options->format,
                  "lines: one text a line; jsonl: objects with \"text\" (by the file's ending)")
      ->check(CLI::IsMember({"lines", "jsonl"}))
      ->excludes(texts);
}

Result<TextSource> TextSource::open(const InputOptions& options, InputFields fields) {
  TextSource source;
  source.m_fields = std::move(fields);
  if (!options.texts.empty()) {
    if (source.takes_twos() && options.texts.size() % 2 != 0) {
      return error(StatusCode::kInvalidArgument, "texts on the command line come in twos: " + source.m_fields.first +
                                                     " and " + source.m_fields.second);
    }
    source.m_arguments = options.texts;
    return source;
  }
  ASSIGN_OR_RETURN(LineReader reader, LineReader::open(options.file));
  if (options.file == "-" && isatty(STDIN_FILENO) != 0) {
    std::fputs("vivace: reading texts from the terminal, one a line; end with Ctrl-D\n", stderr);
  }
  source.m_reader.emplace(std::move(reader));
  source.m_name = options.file == "-" ? "standard input line " : options.file + " line ";
  ASSIGN_OR_RETURN(source.m_format, format_of(options));
  return source;
}

InputText TextSource::make_input(std::string text, std::optional<std::string> pair, const std::string& place) const {
  InputText input;
  input.problem = problem_of(text, place, m_fields.empty_text);
  if (input.problem.empty() && takes_twos()) {
    input.problem = problem_of(pair.value_or(""), place + ", " + m_fields.second + ",");
  }
  if (!input.problem.empty()) return input;
  input.text = std::move(text);
  input.text_pair = std::move(pair);
  return input;
}

InputText TextSource::read_line(std::string_view line) const {
  const std::string place = place_of(m_reader->line_number() - 1);
  if (m_format == InputFormat::kJsonl) return read_json(line, place);
  if (!takes_twos() || line.empty()) return make_input(std::string(line), std::nullopt, place);
  const size_t tab = line.find('\t');
  if (tab != std::string_view::npos && tab == line.rfind('\t')) {
    return make_input(std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)), place);
  }
  InputText input;
  input.problem = place + (tab == std::string_view::npos ? " has no tab between " : " has more than the tab between ") +
                  m_fields.first + " and " + m_fields.second;
  return input;
}

InputText TextSource::read_json(std::string_view line, const std::string& place) const {
  InputText input;
  const auto fail = [&input](const Status& problem) {
    input.problem = problem.message;
    return input;
  };
  const auto document = JsonDocument::parse(line, place);
  if (!document) return fail(document.error());
  const JsonValue object = document->root();
  auto text = read_first(object);
  if (!text) return fail(text.error());
  const bool has_second = object.find(m_fields.second).has_value();
  // The usual second text is not left unread either where another one takes its place.
  for (const std::string& name : {m_fields.second, InputFields().second}) {
    const bool is_read = name == m_fields.second && m_fields.second_text != SecondText::kNone;
    if (is_read || !object.find(name).has_value()) continue;
    input.problem = place + ": " + name + " is not read here, only " + m_fields.first + "; take it out";
    return input;
  }
  if (!takes_twos() && !has_second) return make_input(std::move(*text), std::nullopt, place);
  auto pair = text_member(object, m_fields.second);
  if (!pair) return fail(pair.error());
  return make_input(std::move(*text), std::move(*pair), place);
}

// By whichever of its names the object has; two of them would leave one unread.
Result<std::string> TextSource::read_first(const JsonValue& object) const {
  std::string name = m_fields.first;
  bool is_found = object.find(name).has_value();
  for (const std::string& other : m_fields.other_names) {
    if (!object.find(other).has_value()) continue;
    if (is_found)
      return std::unexpected(object.fail("'" + name + "' and '" + other + "' are both there; keep one").error());
    is_found = true;
    name = other;
  }
  if (!is_found && !m_fields.other_names.empty()) {
    for (const std::string& other : m_fields.other_names) name += "' or '" + other;
    return std::unexpected(object.fail("'" + name + "' is missing").error());
  }
  return text_member(object, name);
}

std::string TextSource::place_of(uint64_t index) const {
  return (m_reader ? m_name : std::string("text ")) + std::to_string(index + 1);
}

InputText TextSource::read_argument(size_t index) {
  const std::string place = place_of(index);
  if (!takes_twos()) return make_input(std::move(m_arguments[index]), std::nullopt, place);
  return make_input(std::move(m_arguments[2 * index]), std::move(m_arguments[2 * index + 1]), place);
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
      if (m_format == InputFormat::kJsonl && is_blank_line(*line)) continue;
      input = read_line(*line);
    } else {
      if (m_next_index == argument_count()) break;
      input = read_argument(m_next_index);
    }
    input.index = m_next_index++;
    bytes += input.text.size() + (input.text_pair ? input.text_pair->size() : 0);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::optional<double> TextSource::fraction_taken() const {
  if (!m_reader) return static_cast<double>(m_next_index) / static_cast<double>(argument_count());
  if (!m_reader->total_bytes() || *m_reader->total_bytes() == 0) return std::nullopt;
  return std::min(1.0, static_cast<double>(m_reader->bytes_taken()) / static_cast<double>(*m_reader->total_bytes()));
}

}  // namespace vivace
