// `vivace serve`: the HTTP server. Its flags are the keys of ServerConfig.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cli/misspelt_variables.h"
#include "cli/model_options.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"
#include "cli/weights_checksum.h"
#include "server/run_server.h"
#include "server/serve_check.h"
#include "server/server_config.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace serve\n"
    "  vivace serve --model models/all-MiniLM-L6-v2 --port 9000\n"
    "  vivace serve --config vivace.yaml --check\n"
    "  vivace serve --print-config > vivace.yaml\n\n"
    "Every flag is also a key of the configuration file and an environment variable (VIVACE_PORT=9000);\n"
    "a flag beats the environment, which beats the file.";

struct ServeOptions {
  std::string config_file;
  std::map<std::string, std::vector<std::string>> flags;  // by the key's name
  bool check = false;
  bool print_config = false;
};

// The server takes directories; names are looked up here, also those that the configuration file gives.
Result<std::string> find_directory(const std::string& name_or_directory, const std::vector<ModelSpec>& named) {
  ModelPlaces places = default_model_places();
  for (const ModelSpec& model : named) places.configured.emplace_back(model.name, model.directory);
  ASSIGN_OR_RETURN(const FoundModel found, find_model(name_or_directory, places));
  if (found.source != ModelSource::kConfiguration) return found.directory;
  return find_directory(found.directory, {});  // which may be a name in its turn
}

enum class ModelNames { kAsWritten, kLookedUp };

Result<ServerConfig> load_config(const ServeOptions& options, ModelNames names) {
  ConfigSources sources;
  if (!options.config_file.empty()) sources.file = options.config_file;
  for (const auto& [name, values] : options.flags) {
    if (!values.empty()) sources.flags.emplace_back(name, values);
  }
  if (names == ModelNames::kLookedUp) sources.find_model = find_directory;
  return load_server_config(sources);
}

// Without any model the default one, which makes the vectors of the systems as well.
Result<void> add_default_model(ServerConfig* config) {
  if (!config->models.empty()) return {};
  ASSIGN_OR_RETURN(std::string directory, find_directory(kDefaultModel, {}));
  config->models.push_back({.name = kDefaultModel, .directory = std::move(directory), .role = "embedder"});
  return {};
}

// A model that is not the expected one is served all the same, but impact scoring does without it.
Result<void> check_impact_model(ServerConfig* config) {
  if (config->impact_model_sha256.empty()) return {};
  EngineOptions options;
  options.isa = config->isa;
  ASSIGN_OR_RETURN(options.precision, parse_precision(config->precision));
  for (const std::string role : {"impact", "embedder"}) {
    const auto model =
        std::ranges::find_if(config->models, [&](const ModelSpec& candidate) { return candidate.is_called(role); });
    if (model == config->models.end()) continue;
    const auto checked = check_weights_sha256(model->directory, options, config->impact_model_sha256);
    if (!checked) config->impact_model_refusal = checked.error().message;
    break;
  }
  return {};
}

Result<void> run_check(const ServerConfig& config) {
  // The problems come together at the end, not also one by one in the log.
  RETURN_IF_ERROR(configure_log("off", LogFormat::kText));
  const std::vector<std::string> problems = check_serving(config);
  if (!problems.empty()) return std::unexpected(configuration_error(problems));
  std::fputs("The configuration is valid and its models can be loaded.\n", stdout);
  return {};
}

// A slip in VIVACE_API_KEY would leave the server open to everyone, and say nothing.
Result<void> warn_of_misspelt_variables(const ServerConfig& config) {
  std::vector<std::string> known;
  for (const ConfigKey& key : server_config_keys()) known.push_back(key.variable);
  RETURN_IF_ERROR(configure_log(config));
  for (const auto& [name, meant] : misspelt_variables(known)) {
    log_warning("{} is not read; did you mean {}?", name, meant);
  }
  return {};
}

Result<void> run_serve(const ServeOptions& options, ServerConfig config) {
  if (options.print_config) {
    std::fputs(server_config_yaml(config).c_str(), stdout);
    return {};
  }
  RETURN_IF_ERROR(warn_of_misspelt_variables(config));
  RETURN_IF_ERROR(add_default_model(&config));
  if (options.check) return run_check(config);
  RETURN_IF_ERROR(check_impact_model(&config));
  return run_server(config, [options]() -> Result<ServerConfig> {
    ASSIGN_OR_RETURN(ServerConfig again, load_config(options, ModelNames::kLookedUp));
    RETURN_IF_ERROR(add_default_model(&again));
    RETURN_IF_ERROR(check_impact_model(&again));
    return again;
  });
}

}  // namespace

void add_serve_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("serve", "Answer over HTTP");
  auto options = std::make_shared<ServeOptions>();
  verb->add_option("--config", options->config_file, "YAML file (default: vivace.yaml where it exists)");
  verb->add_flag("--check", options->check, "Check configuration and models, then exit");
  verb->add_flag("--print-config", options->print_config, "Print the configuration as a commented file, then exit");
  for (const ConfigKey& key : server_config_keys()) {
    std::string help = key.help + " [" + key.variable;
    if (!key.default_value.empty()) help += ", default " + key.default_value;
    auto* flag = verb->add_option(key.flag, options->flags[key.name], help + "]")->type_name("");
    // One value for each time the flag is given, so that nothing behind it is swallowed.
    flag->type_size(1)->expected(1);
    if (key.repeatable) flag->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  verb->footer(kExamples);
  verb->callback([options, action] {
    // A wrong configuration is wrong usage, wherever it is written.
    const ModelNames names = options->print_config ? ModelNames::kAsWritten : ModelNames::kLookedUp;
    *action = [options, config = value_or_usage_error(load_config(*options, names))] {
      return run_serve(*options, config);
    };
  });
}

}  // namespace vivace
