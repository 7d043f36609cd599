#include "cli/impact_evaluate.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "apps/impact/evaluation.h"
#include "apps/impact/evaluation_json.h"
#include "base/json_writer.h"
#include "cli/config_edit.h"
#include "cli/impact_options.h"
#include "cli/model_lookup.h"
#include "cli/output_file.h"

namespace vivace {
namespace {

constexpr char kValidateExamples[] =
    "Examples:\n"
    "  vivace impact validate --dataset examples/impact/messages.jsonl\n"
    "  vivace impact validate --dataset mine.jsonl --model my-model --gate-without-keywords 0.4\n\n"
    "Prints one object: agreement of the two scorers (scores less than 0.1 apart) on rows with a keyword and on all, "
    "the\n"
    "rows that only the model finds and, where rows have \"risk\": true or false, precision and recall of both.";

constexpr char kCalibrateExamples[] =
    "Examples:\n"
    "  vivace impact calibrate --dataset examples/impact/messages.jsonl\n"
    "  vivace impact calibrate --dataset mine.jsonl --model my-model\n"
    "  vivace impact calibrate --dataset mine.jsonl --model my-model --write vivace.yaml\n\n"
    "Rows are {\"message\":{…},\"risk\":true|false}. Prints the pair of gates that agrees with the most labels, one "
    "for\n"
    "texts without and one for texts with keywords; give it back as --gate-without-keywords and --gate-with-keywords, "
    "or\n"
    "let --write put it into the model's entry in the server's configuration, where it holds for that model alone.";

constexpr size_t kMaxRows = 1'000'000;

struct EvaluationOptions {
  ImpactModelOptions model;
  std::string dataset;
  std::string write;  // calibrate only
};

Result<std::vector<LabelledMessage>> read_dataset(const EvaluationOptions& options) {
  constexpr size_t kChunk = 1000;
  std::vector<LabelledMessage> messages;
  RETURN_IF_ERROR(for_each_lines(options.dataset, kChunk, [&](const std::vector<JsonLine>& lines) -> Result<void> {
    for (const JsonLine& line : lines) {
      ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(line.text, line.place));
      ASSIGN_OR_RETURN(LabelledMessage message, read_labelled_message(document.root(), options.model.text_fields));
      messages.push_back(std::move(message));
    }
    if (messages.size() <= kMaxRows) return {};
    return error(StatusCode::kTooLarge,
                 options.dataset + " has more rows than the limit of " + std::to_string(kMaxRows));
  }));
  if (messages.empty()) return error(StatusCode::kInvalidArgument, options.dataset + " has no rows");
  return messages;
}

Result<void> print_object(JsonWriter* json) {
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  RETURN_IF_ERROR(output.write(json->end_object().take() + "\n"));
  return output.flush();
}

ScoringConfig scoring_config(const EvaluationOptions& options) {
  ScoringConfig config;
  config.text_fields = options.model.text_fields;
  return config;
}

Result<void> run_validate(const EvaluationOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<LabelledMessage> messages, read_dataset(options));
  ASSIGN_OR_RETURN(const std::vector<SemanticBackend> chain, load_semantic_chain(options.model));
  const SemanticBackend& backend = chain.back();
  ASSIGN_OR_RETURN(const Validation validation, validate_model(scoring_config(options), backend, messages));
  JsonWriter json;
  json.begin_object();
  write_validation(validation, backend.gates, &json);
  return print_object(&json);
}

// The entries of the configuration file that serve this model: the gates are worth nothing beside another.
Result<std::vector<std::string>> entries_of_model(const std::string& path, const ModelOptions& model) {
  ASSIGN_OR_RETURN(const std::string directory, model_directory(model));
  ASSIGN_OR_RETURN(const ServerConfig config, read_config_file(path));
  std::vector<std::string> names;
  for (const ModelSpec& spec : config.models) {
    const auto found = find_model(spec.directory, default_model_places());
    std::error_code ignored;
    if (found && std::filesystem::equivalent(found->directory, directory, ignored)) names.push_back(spec.name);
  }
  if (!names.empty()) return names;
  return error(StatusCode::kNotFound,
               fmt::format("{}: none of its models is {}, so there is no entry for the gates; write 'impact: {}' below "
                           "its key 'models' first",
                           path, directory, directory));
}

Result<void> write_pair(const EvaluationOptions& options, const std::vector<std::string>& models,
                        const SemanticGates& gates) {
  RETURN_IF_ERROR(set_model_keys(options.write, models,
                                 {{"impact_gate_without_keywords", fmt::format("{}", gates.without_keywords)},
                                  {"impact_gate_with_keywords", fmt::format("{}", gates.with_keywords)}}));
  fmt::print(stderr, "vivace: wrote both gates into the entry of {} in {}\n", fmt::join(models, " and of "),
             options.write);
  return {};
}

Result<void> run_calibrate(const EvaluationOptions& options) {
  // First of all: what cannot be written need not be measured.
  std::vector<std::string> entries;
  if (!options.write.empty()) {
    ASSIGN_OR_RETURN(entries, entries_of_model(options.write, options.model.model));
  }
  ASSIGN_OR_RETURN(const std::vector<LabelledMessage> messages, read_dataset(options));
  ASSIGN_OR_RETURN(const std::vector<SemanticBackend> chain, load_semantic_chain(options.model));
  const SemanticBackend& backend = chain.back();
  ASSIGN_OR_RETURN(const Calibration calibration, calibrate_gates(scoring_config(options), backend, messages));
  JsonWriter json;
  json.begin_object().key("gates");
  write_gates(calibration.gates, &json);
  json.key("agreement_without_keywords").value(calibration.agreement_without_keywords);
  json.key("agreement_with_keywords").value(calibration.agreement_with_keywords);
  json.key("rows_without_keywords").value(uint64_t{calibration.rows_without_keywords});
  json.key("rows_with_keywords").value(uint64_t{calibration.rows_with_keywords});
  json.key("notes").begin_array();
  for (const std::string& note : calibration.notes) json.value(note);
  json.end_array();
  RETURN_IF_ERROR(print_object(&json));
  return options.write.empty() ? Result<void>() : write_pair(options, entries, calibration.gates);
}

using Run = Result<void> (*)(const EvaluationOptions&);

std::shared_ptr<EvaluationOptions> add_verb(CLI::App* verb, Run run, Action* action) {
  auto options = std::make_shared<EvaluationOptions>();
  verb->add_option("--dataset", options->dataset, "JSON lines of messages, with labels or without; - is standard input")
      ->required();
  add_impact_model_options(*verb, &options->model);
  verb->callback([options, run, action] { *action = [options, run] { return run(*options); }; });
  return options;
}

}  // namespace

void add_impact_evaluation_verbs(CLI::App& impact, Action* action) {
  CLI::App* validate = impact.add_subcommand("validate", "Compare a model's scores with the keywords' and with labels");
  validate->footer(kValidateExamples);
  add_verb(validate, run_validate, action);
  CLI::App* calibrate = impact.add_subcommand("calibrate", "Find the pair of gates of a model from a labelled file");
  calibrate->footer(kCalibrateExamples);
  const auto options = add_verb(calibrate, run_calibrate, action);
  calibrate->add_option("--write", options->write,
                        "Configuration file that has the model, to put the pair into its entry");
}

}  // namespace vivace
