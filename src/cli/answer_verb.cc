#include "cli/answer_verb.h"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

namespace vivace {

void add_answer_options(CLI::App& verb, AnswerOptions* options) {
  add_input_options(verb, &options->input);
  add_model_option(verb, &options->model);
  verb.add_flag("--no-truncation", options->refuse_long,
                "Refuse texts longer than the model takes instead of cutting them");
  verb.add_option("--on-error", options->on_error,
                  "For a line without usable text: stop, or skip with a line {\"index\",\"error\"}")
      ->check(CLI::IsMember({"stop", "skip"}))
      ->capture_default_str();
  add_compute_options(verb, &options->model);
}

void report_totals(const StreamTotals& totals, const ModelInfo& model) {
  if (totals.truncated > 0) {
    fmt::print(stderr, "vivace: {} of {} texts were longer than the model's {} tokens and were cut\n", totals.truncated,
               totals.texts, model.max_tokens);
  }
  if (totals.problems > 0)
    fmt::print(stderr, "vivace: {} lines had no usable text and were skipped\n", totals.problems);
}

Result<void> run_answer_verb(const AnswerOptions& options, InputFields fields,
                             const std::function<Result<StreamedVerb>(Engine& engine, OutputFile& output)>& make) {
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input, std::move(fields)));
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, load_engine(options.model));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  ASSIGN_OR_RETURN(const StreamedVerb verb, make(*engine, output));
  const StreamOptions stream{.first_index = 0,
                             .on_problem = options.on_error == "skip" ? OnProblem::kSkip : OnProblem::kStop};
  // Answers on the same terminal would be torn apart by the progress line.
  const bool on_terminal = isatty(STDOUT_FILENO) != 0;
  Progress progress("", ProgressUnit::kTexts);
  ASSIGN_OR_RETURN(const StreamTotals totals, stream_answers(verb, source, stream, on_terminal ? nullptr : &progress));
  RETURN_IF_ERROR(output.flush());
  progress.finish();
  report_totals(totals, engine->info());
  return {};
}

}  // namespace vivace
