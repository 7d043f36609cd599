// Texts through the engine in order, with bounded memory: one thread reads and submits, another waits for answers and
// writes them, and between them stands a short queue of requests in flight. What is asked and how an answer looks is
// the verb's.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "cli/progress.h"
#include "cli/text_source.h"

namespace vivace {

enum class OnProblem { kStop, kSkip };
enum class TextEnd { kSeen, kCut };  // whether the model saw the whole text

// Writes the answer to text number `item` of a request; `index` is that of its input.
using AnswerWriter = std::function<Result<TextEnd>(size_t item, uint64_t index)>;

struct StreamedVerb {
  // Sends the texts to the engine as one request. done is called once, on any thread.
  std::function<void(std::vector<InputText> texts, std::function<void(Result<AnswerWriter>)> done)> submit;
  std::function<Result<void>(uint64_t index, std::string_view problem)> write_problem;
  std::function<Result<void>()> flush;  // all answers so far can be read by others
  // What is refused as wrong is one of the texts; else it is what all of them were asked with.
  bool refuses_texts = false;
};

struct StreamOptions {
  uint64_t first_index = 0;  // inputs before it are read and dropped: an earlier run answered them
  OnProblem on_problem = OnProblem::kStop;
};

struct StreamTotals {
  uint64_t texts = 0;  // answered in this run
  uint64_t truncated = 0;
  uint64_t problems = 0;  // inputs without usable text, or with one that is refused, that were skipped
};

// Ends with the first error: of the input (kStop), the engine or the writer. All answers before it are written. A text
// that the engine refuses, for its length or by itself, is such an input.
// progress may be nullptr.
Result<StreamTotals> stream_answers(const StreamedVerb& verb, TextSource& source, const StreamOptions& options,
                                    Progress* progress);

}  // namespace vivace
