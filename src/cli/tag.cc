// `vivace tag`: the labels of a text's words, and spans of words that belong together.
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/answer_verb.h"
#include "cli/verbs.h"
#include "engine/answer_json.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace tag --model ner 'Ada Lovelace lived in London'\n"
    "  vivace tag --model ner --aggregation average --file docs.txt > tags.jsonl\n"
    "  vivace tag --model ner --per-token 'Ada Lovelace'\n\n"
    "One line of output for each text:\n"
    "{\"index\":0,\"words\":[{\"word\":\"Ada\",\"start\":0,\"end\":3,\"label\":\"B-PER\",\"score\":0.98},…],\n"
    "\"spans\":[{\"text\":\"Ada Lovelace\",\"start\":0,\"end\":12,\"label\":\"PER\",\"score\":0.97},…]}; places count "
    "code\n"
    "points, the end is exclusive. With --per-token "
    "{\"index\":0,\"tokens\":[…],\"offsets\":[[0,3],…],\"scores\":[[…],…]}:\n"
    "an entry for each token that the model read, special ones included, scores in the order of the model's labels\n"
    "(`vivace inspect` lists them). Aggregation is as in transformers: simple merges tokens of one label, first, "
    "average\n"
    "and max make the tokens of a word agree before.";

struct TagOptions {
  AnswerOptions answer;
  bool per_token = false;
  std::string aggregation = "simple";
};

TagRequest make_request(const TagOptions& options, std::vector<InputText> inputs) {
  TagRequest request;
  if (options.answer.refuse_long) request.too_long = TooLong::kRefuse;
  if (options.aggregation == "first") request.aggregation = Aggregation::kFirst;
  if (options.aggregation == "average") request.aggregation = Aggregation::kAverage;
  if (options.aggregation == "max") request.aggregation = Aggregation::kMax;
  if (options.per_token) request.detail = TagDetail::kTokens;
  for (InputText& input : inputs) request.texts.push_back(std::move(input.text));
  return request;
}

TextEnd end_of(const Tagging& result) {
  return result.truncated ? TextEnd::kCut : TextEnd::kSeen;
}

TextEnd write_tagging(const TagResponse& response, size_t item, JsonWriter* json) {
  write_words(response.results[item], json);
  return end_of(response.results[item]);
}

TextEnd write_tokens(const TagResponse& response, size_t item, JsonWriter* json) {
  write_token_scores(response.results[item], json);
  return end_of(response.results[item]);
}

}  // namespace

void add_tag_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("tag", "Labels of words, and spans of them");
  auto options = std::make_shared<TagOptions>();
  add_answer_options(*verb, &options->answer);
  verb->add_flag("--per-token", options->per_token, "The scores of every token instead of words and spans");
  verb->add_option("--aggregation", options->aggregation, "How tokens become words and spans")
      ->check(CLI::IsMember({"simple", "first", "average", "max"}))
      ->capture_default_str();
  verb->footer(kExamples);
  verb->callback([options, action] {
    *action = [options] {
      return run_answer_verb(
          options->answer, {}, [options](Engine& engine, OutputFile& output) -> Result<StreamedVerb> {
            return line_verb<TagRequest>(
                engine, output,
                [options](std::vector<InputText> inputs) { return make_request(*options, std::move(inputs)); },
                options->per_token ? write_tokens : write_tagging);
          });
    };
  });
}

}  // namespace vivace
