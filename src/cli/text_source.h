// The texts a verb works on: from arguments, --file or standard input; plain lines or JSON objects. Checks each text at
// this border: what comes out is valid UTF-8, and not empty where nothing can be done with that, or says why it is not.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "cli/line_reader.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace vivace {

enum class InputFormat { kLines, kJsonl };

struct InputOptions {
  std::vector<std::string> texts;  // from the command line; when empty, `file` is read
  std::string file = "-";
  std::string format;  // "lines", "jsonl"; empty: by the file's ending
};
CLI::Option* add_text_arguments(CLI::App& verb, InputOptions* options);
void add_input_options(CLI::App& verb, InputOptions* options);  // the same, and --file and --input-format

enum class SecondText {
  kNone,      // a JSON object must not have it: it would be left unread
  kOptional,  // a JSON object may have it
  kRequired,  // every JSON object has it; lines hold both with a tab between, arguments come in twos
};

enum class EmptyText { kRefuse, kTake };  // the first text of an input, where it is empty

// What the texts of an input are called in JSON objects, and what they may be.
struct InputFields {
  std::string first = "text";
  std::string second = "text_pair";
  SecondText second_text = SecondText::kNone;
  EmptyText empty_text = EmptyText::kRefuse;
  std::vector<std::string> other_names = {};  // that an object may have in place of `first`
};

struct InputText {
  uint64_t index = 0;  // of the input line or argument, from 0
  std::string text;
  std::optional<std::string> text_pair;  // the second text of a pair; where it is optional, it may be empty
  std::string problem;                   // not empty: why there is no usable text, naming the line
};

class TextSource {
 public:
  // kInvalidArgument for an odd number of arguments where they come in twos.
  static Result<TextSource> open(const InputOptions& options, InputFields fields = {});

  // Up to max_texts texts (about max_bytes in all), fewer when the input would have to be waited for; empty at the end
  // or when stop is requested. A wrong line is not an error here but an InputText with its problem.
  Result<std::vector<InputText>> next(size_t max_texts, size_t max_bytes, const std::stop_token& stop = {});

  // What a message about the input of that index begins with: "text 3", "docs.txt line 3". Thread-safe.
  std::string place_of(uint64_t index) const;

  // Inputs given out so far.
  uint64_t taken() const { return m_next_index; }

  // How much of the input has been given out, 0 to 1; nullopt when its length is not known.
  std::optional<double> fraction_taken() const;

 private:
  TextSource() = default;
  InputText read_line(std::string_view line) const;
  InputText read_json(std::string_view line, const std::string& place) const;
  Result<std::string> read_first(const JsonValue& object) const;
  InputText read_argument(size_t index);
  InputText make_input(std::string text, std::optional<std::string> pair, const std::string& place) const;
  size_t argument_count() const { return m_arguments.size() / (takes_twos() ? 2 : 1); }
  bool takes_twos() const { return m_fields.second_text == SecondText::kRequired; }

  InputFields m_fields;
  std::vector<std::string> m_arguments;
  std::optional<LineReader> m_reader;
  std::string m_name;  // "line" or the file's name and "line": how a problem starts
  InputFormat m_format = InputFormat::kLines;
  uint64_t m_next_index = 0;
};

}  // namespace vivace
