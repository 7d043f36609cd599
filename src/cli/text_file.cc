#include "cli/text_file.h"

#include <algorithm>

namespace vivace {

Result<std::vector<std::string>> read_texts(const std::string& file, EmptyText empty_text, size_t most) {
  InputOptions input;
  input.file = file;
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(input, {.empty_text = empty_text}));
  std::vector<std::string> texts;
  while (texts.size() < most) {
    ASSIGN_OR_RETURN(std::vector<InputText> inputs,
                     source.next(std::min(size_t{1024}, most - texts.size()), size_t{1} << 20));
    if (inputs.empty()) break;
    for (InputText& text : inputs) {
      if (!text.problem.empty()) return error(StatusCode::kInvalidArgument, text.problem);
      texts.push_back(std::move(text.text));
    }
  }
  if (texts.empty()) return error(StatusCode::kInvalidArgument, "'" + file + "' holds no text");
  return texts;
}

}  // namespace vivace
