// The texts a verb works on: from arguments, --file or standard input; plain lines or JSON objects. Checks each text at
// this border: what comes out is non-empty valid UTF-8 or says why it is not.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/line_reader.h"

namespace CLI {
class App;
}

namespace vivace {

enum class InputFormat { kLines, kJsonl };

struct InputOptions {
  std::vector<std::string> texts;  // from the command line; when empty, `file` is read
  std::string file = "-";
  std::string format;  // "lines", "jsonl"; empty: by the file's ending
};
void add_input_options(CLI::App& verb, InputOptions* options);

struct InputText {
  uint64_t index = 0;  // of the input line or argument, from 0
  std::string text;
  std::optional<std::string> text_pair;  // of a JSON object: the second text of a pair, may be empty
  std::string problem;                   // not empty: why there is no usable text, naming the line
};

class TextSource {
 public:
  static Result<TextSource> open(const InputOptions& options);

  // Up to max_texts texts (about max_bytes in all), fewer when the input would have to be waited for; empty at the end
  // or when stop is requested. A wrong line is not an error here but an InputText with its problem.
  Result<std::vector<InputText>> next(size_t max_texts, size_t max_bytes, const std::stop_token& stop = {});

  // How much of the input has been given out, 0 to 1; nullopt when its length is not known.
  std::optional<double> fraction_taken() const;

 private:
  TextSource() = default;
  InputText read_line(std::string_view line) const;

  std::vector<std::string> m_arguments;
  std::optional<LineReader> m_reader;
  std::string m_name;  // "line" or the file's name and "line": how a problem starts
  InputFormat m_format = InputFormat::kLines;
  uint64_t m_next_index = 0;
};

}  // namespace vivace
