// `vivace models`: the models on this machine that --model NAME finds.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "cli/model_options.h"
#include "cli/verbs.h"
#include "formats/model_directory.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace models\n"
    "  vivace models --json";

struct Listed {
  FoundModel model;
  std::string architecture;  // or why it cannot be read
  uint64_t weight_bytes = 0;
};

Listed describe(const FoundModel& model) {
  Listed listed{.model = model, .architecture = "", .weight_bytes = 0};
  const auto directory = ModelDirectory::open(model.directory);
  listed.architecture = directory ? directory->model_type() : "unreadable: " + directory.error().message;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(model.directory, failed)) {
    std::error_code ignored;
    if (entry.path().extension() == ".safetensors") listed.weight_bytes += entry.file_size(ignored);
  }
  return listed;
}

std::string to_json(const std::vector<Listed>& models) {
  JsonWriter json;
  json.begin_array();
  for (const Listed& listed : models) {
    json.begin_object().key("name").value(listed.model.name);
    json.key("source").value(model_source_name(listed.model.source));
    json.key("architecture").value(listed.architecture).key("weight_bytes").value(listed.weight_bytes);
    json.key("directory").value(listed.model.directory).end_object();
  }
  return json.end_array().take() + "\n";
}

std::string to_text(const std::vector<Listed>& models) {
  if (models.empty())
    return "No models on this machine yet; `vivace pull sentence-transformers/all-MiniLM-L6-v2` fetches one.\n";
  size_t widest = 0;
  for (const Listed& listed : models) widest = std::max(widest, listed.model.name.size());
  std::string text;
  for (const Listed& listed : models) {
    text += fmt::format("{:<{}}  {:<12} {:>8.1f} MB  {}: {}\n", listed.model.name, widest, listed.architecture,
                        static_cast<double>(listed.weight_bytes) / 1e6, model_source_name(listed.model.source),
                        listed.model.directory);
  }
  return text;
}

Result<void> run_models(bool json) {
  ASSIGN_OR_RETURN(const ModelPlaces places, configured_model_places());
  std::vector<Listed> models;
  for (const FoundModel& model : list_models(places)) models.push_back(describe(model));
  const std::string text = json ? to_json(models) : to_text(models);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return error(StatusCode::kInternal, "cannot write to standard output");
  }
  return {};
}

}  // namespace

void add_models_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("models", "List the models on this machine");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "A JSON array instead of text");
  verb->footer(kExamples);
  verb->callback([json, action] { *action = [json] { return run_models(*json); }; });
}

}  // namespace vivace
