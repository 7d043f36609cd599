// `vivace inspect`: what a model is and how this machine would run it.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "cli/model_options.h"
#include "cli/verbs.h"
#include "models/encoder_decoder.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace inspect\n"
    "  vivace inspect --model models/all-MiniLM-L6-v2 --json\n"
    "  VIVACE_ISA=generic vivace inspect";

struct InspectOptions {
  ModelOptions model;
  bool json = false;
};

std::string to_json(const ModelInfo& model) {
  JsonWriter json;
  json.begin_object();
  json.key("directory").value(model.directory).key("architecture").value(model.architecture);
  json.key("layers").value(model.layers).key("hidden_size").value(model.hidden_size);
  json.key("heads").value(model.heads).key("intermediate_size").value(model.intermediate_size);
  json.key("vocabulary_size").value(model.vocabulary_size).key("max_tokens").value(model.max_tokens);
  json.key("task").value(model_task_name(model.task));
  if (!model.labels.empty()) {
    json.key("labels").begin_array();
    for (const std::string& label : model.labels) json.value(label);
    json.end_array().key("activation").value(score_activation_name(model.activation));
  }
  if (!model.head.empty()) json.key("head").value(model.head);
  if (model.task == ModelTask::kMaskedLanguageModel) json.key("mask_token").value(model.mask_token);
  json.key("embedding_size").value(model.embedding_size);
  json.key("pooling").value(model.pooling).key("normalize").value(model.normalize);
  json.key("prompt_names").begin_array();
  for (const std::string& name : model.prompt_names) json.value(name);
  json.end_array();
  json.key("parameters").value(static_cast<uint64_t>(model.parameters));
  json.key("weights_dtype").value(model.weights_dtype);
  json.key("file_bytes").value(static_cast<uint64_t>(model.file_bytes));
  json.key("packed_bytes").value(static_cast<uint64_t>(model.packed_bytes));
  json.key("precision").value(model.precision).key("isa").value(model.isa);
  if (!model.fallback.empty()) json.key("fallback").value(model.fallback);
  json.key("isa_notes").begin_array();
  for (const std::string& note : model.isa_notes) json.value(note);
  json.end_array();
  json.key("threads").value(model.threads).key("load_ms").value(model.load_ms);
  return json.end_object().take() + "\n";
}

std::string megabytes(size_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

// A few lines at most; --json has them all.
std::string label_list(const ModelInfo& model) {
  constexpr size_t kShown = 20;
  std::string text = fmt::format("{} ({}): ", model.labels.size(), score_activation_name(model.activation));
  for (size_t i = 0; i < std::min(model.labels.size(), kShown); ++i) text += (i == 0 ? "" : ", ") + model.labels[i];
  return text + (model.labels.size() > kShown ? ", …" : "");
}

std::string to_text(const ModelInfo& model) {
  std::string text;
  const auto row = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<14}{}\n", name, value);
  };
  row("model", model.directory);
  row("architecture", fmt::format("{}: {} layers, hidden size {}, {} heads, feed-forward {}", model.architecture,
                                  model.layers, model.hidden_size, model.heads, model.intermediate_size));
  row("text", fmt::format("up to {} tokens of {} kinds", model.max_tokens, model.vocabulary_size));
  row("task", std::string(model_task_name(model.task)));
  if (!model.head.empty()) row("head", model.head);
  if (!model.labels.empty()) row("labels", label_list(model));
  if (model.task == ModelTask::kMaskedLanguageModel) row("mask token", model.mask_token);
  row("pooling", fmt::format("{}{}", model.pooling, model.normalize ? ", normalised" : ""));
  std::string prompts;
  for (const std::string& name : model.prompt_names) prompts += (prompts.empty() ? "" : ", ") + name;
  row("prompts", prompts.empty() ? "none" : prompts);
  row("parameters", fmt::format("{:.1f} million, stored as {} ({})", static_cast<double>(model.parameters) / 1e6,
                                model.weights_dtype, megabytes(model.file_bytes)));
  row("computing", fmt::format("{} on {} threads, packed weights {}", model.precision, model.threads,
                               megabytes(model.packed_bytes)));
  row("kernels", model.isa);
  for (const std::string& note : model.isa_notes) row("", "not chosen: " + note);
  if (!model.fallback.empty()) row("", "the ONNX file, since " + model.fallback);
  row("loaded in", fmt::format("{:.0f} ms", model.load_ms));
  return text;
}

// Of a model that writes text: what it reads, as of an encoder, and what it writes.
std::string to_json(const GeneratorInfo& model) {
  std::string json = to_json(model.model);
  json.resize(json.rfind('}'));
  return json +
         fmt::format(",\"decoder_layers\":{},\"max_new_tokens\":{}}}\n", model.decoder_layers, model.max_new_tokens);
}

std::string to_text(const GeneratorInfo& model) {
  return to_text(model.model) + fmt::format("{:<14}up to {} tokens with {} decoder layers (`vivace complete`)\n",
                                            "writes", model.max_new_tokens, model.decoder_layers);
}

Result<std::string> describe(const InspectOptions& options) {
  ASSIGN_OR_RETURN(const std::string directory, model_directory(options.model));
  ASSIGN_OR_RETURN(const ModelDirectory files, ModelDirectory::open(directory));
  if (writes_text(files)) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Generator> generator, load_generator(options.model));
    return options.json ? to_json(generator->info()) : to_text(generator->info());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, load_engine(options.model));
  return options.json ? to_json(engine->info()) : to_text(engine->info());
}

Result<void> run_inspect(const InspectOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, describe(options));
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return error(StatusCode::kInternal, "cannot write to standard output");
  }
  return {};
}

}  // namespace

void add_inspect_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("inspect", "Describe a model and how this machine would run it");
  auto options = std::make_shared<InspectOptions>();
  add_model_option(*verb, &options->model);
  verb->add_flag("--json", options->json, "One JSON object instead of text");
  add_compute_options(*verb, &options->model);
  verb->footer(kExamples);
  verb->callback([options, action] { *action = [options] { return run_inspect(*options); }; });
}

}  // namespace vivace
