// `vivace entail`: whether a hypothesis follows from a premise.
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/answer_verb.h"
#include "cli/verbs.h"
#include "engine/answer_json.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace entail --model nli 'A man plays a guitar.' 'Someone makes music.'\n"
    "  vivace entail --model nli --file pairs.jsonl > verdicts.jsonl\n\n"
    "Arguments come in twos, premise and hypothesis; lines hold both with a tab between; JSON lines have \"premise\" "
    "and\n"
    "\"hypothesis\". One line of output for each pair:\n"
    "{\"index\":0,\"label\":\"entailment\",\"scores\":{\"entailment\":0.9,\"neutral\":0.08,\"contradiction\":0.02}}.";

EntailRequest make_request(const AnswerOptions& options, std::vector<InputText> inputs) {
  EntailRequest request;
  if (options.refuse_long) request.too_long = TooLong::kRefuse;
  for (InputText& input : inputs) {
    request.pairs.push_back({.premise = std::move(input.text), .hypothesis = input.text_pair.value_or("")});
  }
  return request;
}

TextEnd write_verdict(const EntailResponse& response, size_t item, JsonWriter* json) {
  const Entailment& result = response.results[item];
  write_entailment(result, json);
  return result.truncated ? TextEnd::kCut : TextEnd::kSeen;
}

}  // namespace

void add_entail_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("entail", "Whether hypotheses follow from premises");
  auto options = std::make_shared<AnswerOptions>();
  add_answer_options(*verb, options.get());
  verb->footer(kExamples);
  verb->callback([options, action] {
    if (options->input.texts.size() % 2 != 0) {
      throw CLI::ValidationError("texts on the command line come in twos: premise and hypothesis");
    }
    *action = [options] {
      const InputFields fields{.first = "premise", .second = "hypothesis", .second_text = SecondText::kRequired};
      return run_answer_verb(*options, fields, [options](Engine& engine, OutputFile& output) -> Result<StreamedVerb> {
        return line_verb<EntailRequest>(
            engine, output,
            [options](std::vector<InputText> inputs) { return make_request(*options, std::move(inputs)); },
            write_verdict);
      });
    };
  });
}

}  // namespace vivace
