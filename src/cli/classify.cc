// `vivace classify`: label scores of texts and pairs; labels of the user's own through an entailment model; words for
// the masks of a masked language model.
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "cli/answer_verb.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"
#include "engine/answer_json.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace classify --model emotions 'I could dance'\n"
    "  vivace classify --model emotions --file posts.txt --top-k 3 > labels.jsonl\n"
    "  vivace classify --model duplicates --text-pair 'How do I leave?' 'Where is the exit?'\n"
    "  vivace classify --model nli --labels sports,politics,music 'The band played on'\n"
    "  vivace classify --model bert-base-uncased 'Paris is the [MASK] of France.'\n\n"
    "One line of output for each text: {\"index\":0,\"labels\":[{\"label\":\"joy\",\"score\":0.91},…]}, best first. "
    "JSON\n"
    "lines with \"text_pair\" beside \"text\" are pairs. --labels scores labels that the model never learned: it must\n"
    "know entailment. A masked language model (fill-mask) answers with the 5 likeliest tokens for the mask token in "
    "the\n"
    "text, and where there are several with {\"index\":0,\"masks\":[[…],…]}.";

constexpr char kDefaultTemplate[] = "This example is {}.";

struct ClassifyOptions {
  AnswerOptions answer;
  size_t top_k = 0;
  std::string activation;
  std::optional<std::string> text_pair;
  std::vector<std::string> labels;
  std::string hypothesis_template;
  bool multi_label = false;
};

std::vector<std::string> split_labels(const std::string& list) {
  std::vector<std::string> labels;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    labels.push_back(CLI::detail::trim_copy(list.substr(begin, end - begin)));
    if (labels.back().empty()) throw CLI::ValidationError("--labels: a label is empty in '" + list + "'");
    begin = end + 1;
  }
  return labels;
}

void declare(CLI::App& verb, ClassifyOptions* options) {
  add_answer_options(verb, &options->answer);
  verb.add_option("--top-k", options->top_k, "The best N labels only")->check(CLI::Range(1, 1'000'000));
  auto* activation = verb.add_option("--activation", options->activation,
                                     "softmax, sigmoid, or none: the logits (default: the model's)")
                         ->check(CLI::IsMember({"softmax", "sigmoid", "none"}));
  auto* pair = verb.add_option("--text-pair", options->text_pair, "The second text of every pair");
  const auto take_labels = [options](const std::vector<std::string>& lists) {
    for (const std::string& list : lists) std::ranges::move(split_labels(list), std::back_inserter(options->labels));
  };
  auto* labels = verb.add_option_function<std::vector<std::string>>("--labels", take_labels,
                                                                    "Labels of your own, with commas between")
                     ->allow_extra_args(false)
                     ->excludes(activation)
                     ->excludes(pair);
  verb.add_option("--hypothesis-template", options->hypothesis_template,
                  "Sentence about a label, which goes where {} is (default: \"This example is {}.\")")
      ->needs(labels);
  verb.add_flag("--multi-label", options->multi_label, "Score each label by itself, instead of all sharing 1")
      ->needs(labels);
  verb.footer(kExamples);
}

void set_limits(const ClassifyOptions& options, RequestLimits* limits) {
  if (options.answer.refuse_long) limits->too_long = TooLong::kRefuse;
}

std::vector<std::string> plain_texts(std::vector<InputText> inputs) {
  std::vector<std::string> texts;
  for (InputText& input : inputs) texts.push_back(std::move(input.text));
  return texts;
}

TextEnd end_of(bool truncated) {
  return truncated ? TextEnd::kCut : TextEnd::kSeen;
}

TextEnd write_classes(const ClassifyResponse& response, size_t item, JsonWriter* json) {
  const Classification& result = response.results[item];
  write_labels(result.labels, json);
  return end_of(result.truncated);
}

TextEnd write_fills(const FillMaskResponse& response, size_t item, JsonWriter* json) {
  const FilledText& result = response.results[item];
  write_masks(result, json);
  return end_of(result.truncated);
}

ClassifyRequest make_request(const ClassifyOptions& options, std::vector<InputText> inputs) {
  ClassifyRequest request;
  set_limits(options, &request);
  request.top_k = options.top_k;
  if (options.activation == "softmax") request.activation = ScoreActivation::kSoftmax;
  if (options.activation == "sigmoid") request.activation = ScoreActivation::kSigmoid;
  if (options.activation == "none") request.activation = ScoreActivation::kNone;
  for (InputText& input : inputs) {
    if (options.text_pair) input.text_pair = options.text_pair;
    request.inputs.push_back({.text = std::move(input.text), .pair = std::move(input.text_pair)});
  }
  return request;
}

ZeroShotRequest make_zero_shot_request(const ClassifyOptions& options, std::vector<InputText> inputs) {
  ZeroShotRequest request;
  set_limits(options, &request);
  request.texts = plain_texts(std::move(inputs));
  request.labels = options.labels;
  request.hypothesis_template = options.hypothesis_template.empty() ? kDefaultTemplate : options.hypothesis_template;
  request.multi_label = options.multi_label;
  request.top_k = options.top_k;
  return request;
}

FillMaskRequest make_fill_request(const ClassifyOptions& options, std::vector<InputText> inputs) {
  FillMaskRequest request;
  set_limits(options, &request);
  request.texts = plain_texts(std::move(inputs));
  if (options.top_k > 0) request.top_k = options.top_k;
  return request;
}

Result<StreamedVerb> make_verb(const ClassifyOptions& options, Engine& engine, OutputFile& output) {
  if (!options.labels.empty()) {
    return line_verb<ZeroShotRequest>(
        engine, output,
        [&options](std::vector<InputText> inputs) { return make_zero_shot_request(options, std::move(inputs)); },
        write_classes);
  }
  if (engine.info().task == ModelTask::kMaskedLanguageModel) {
    if (options.text_pair || !options.activation.empty()) {
      throw_usage_error("the model fills masks; --text-pair and --activation are for text classification");
    }
    StreamedVerb verb = line_verb<FillMaskRequest>(
        engine, output,
        [&options](std::vector<InputText> inputs) { return make_fill_request(options, std::move(inputs)); },
        write_fills);
    verb.refuses_texts = true;  // without a mask, or in pairs
    verb.submit = [submit = std::move(verb.submit)](std::vector<InputText> texts, const auto& done) {
      const bool has_pair =
          std::ranges::any_of(texts, [](const InputText& text) { return text.text_pair.has_value(); });
      if (!has_pair) return submit(std::move(texts), done);
      done(error(StatusCode::kInvalidArgument, "text_pair is not read by a model that fills masks; take it out"));
    };
    return verb;
  }
  return line_verb<ClassifyRequest>(
      engine, output, [&options](std::vector<InputText> inputs) { return make_request(options, std::move(inputs)); },
      write_classes);
}

}  // namespace

void add_classify_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("classify", "Label scores of texts or pairs, best first");
  auto options = std::make_shared<ClassifyOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] {
    *action = [options] {
      // Zero-shot scoring makes its own pairs, and --text-pair is the second text of all.
      const bool reads_pairs = options->labels.empty() && !options->text_pair;
      const InputFields fields{.second_text = reads_pairs ? SecondText::kOptional : SecondText::kNone};
      return run_answer_verb(options->answer, fields, [options](Engine& engine, OutputFile& output) {
        return make_verb(*options, engine, output);
      });
    };
  });
}

}  // namespace vivace
