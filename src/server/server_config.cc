#include "server/server_config.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "base/utf8.h"
#include "server/config_fields.h"
#include "server/config_file.h"

namespace vivace {
namespace {

// Kubernetes sets VIVACE_PORT=tcp://10.0.0.1:8080 in every pod beside a Service named "vivace"; that is not for us.
bool is_service_link(const std::string& variable, std::string_view value) {
  return variable == "VIVACE_PORT" && value.starts_with("tcp://");
}

const char* variable_value(const ConfigSources& sources, const std::string& variable) {
  return sources.environment ? sources.environment(variable) : std::getenv(variable.c_str());
}

void apply_environment(const ConfigSources& sources, const std::vector<ConfigField>& fields, ConfigProblems* problems) {
  for (const ConfigField& field : fields) {
    const std::string variable = field_variable(field.info);
    const char* value = variable_value(sources, variable);
    if (value == nullptr || is_service_link(variable, value)) continue;
    const auto set = set_field(field, value);
    if (!set) problems->add(field.info.name, variable + ": " + set.error().message);
  }
}

Result<void> set_from_flags(const ConfigField& field, const std::vector<std::string>& texts) {
  auto* const* models = std::get_if<std::vector<ModelSpec>*>(&field.value);
  if (models == nullptr) return set_field(field, texts.empty() ? "" : texts.back());
  std::vector<ModelSpec> specs;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(ModelSpec spec, parse_model_spec(text));
    specs.push_back(std::move(spec));
  }
  **models = std::move(specs);
  return {};
}

void apply_flags(const ConfigSources& sources, const std::vector<ConfigField>& fields, ConfigProblems* problems) {
  for (const auto& [name, texts] : sources.flags) {
    const auto field = std::ranges::find(fields, name, [](const ConfigField& f) { return std::string(f.info.name); });
    if (field == fields.end()) {
      problems->add(name, fmt::format("--{}: unknown flag", name));
      continue;
    }
    const auto set = set_from_flags(*field, texts);
    if (!set) problems->add(name, field_flag(field->info) + ": " + set.error().message);
  }
}

// Flags and the environment beat the file: also what it says in a model's entry.
void override_model_keys(const ConfigSources& sources, const std::vector<ConfigField>& fields, ServerConfig* config) {
  for (const ModelKey& key : kModelKeys) {
    const auto field = std::ranges::find(fields, key.name, [](const ConfigField& f) { return f.info.name; });
    const bool is_overridden =
        variable_value(sources, field_variable(field->info)) != nullptr ||
        std::ranges::any_of(sources.flags, [&](const auto& flag) { return flag.first == key.name; });
    if (!is_overridden) continue;
    for (ModelSpec& spec : config->models) (spec.*key.value).reset();
  }
}

// A model that a flag or the environment names after one of the file's keeps what the file's entry says.
void take_model_keys(const std::vector<ModelSpec>& named, ModelSpec* spec) {
  const auto same = std::ranges::find_if(named, [&](const ModelSpec& model) {
    return model.name == spec->directory || model.directory == spec->directory;
  });
  if (same == named.end()) return;
  for (const ModelKey& key : kModelKeys) spec->*key.value = (*same).*key.value;
}

// Two values that contradict each other, told under the first one's name; not where one of them is wrong in itself,
// else one mistake would be told twice.
void check_pair(std::string_view key, std::string_view other, bool agree, const std::string& what,
                ConfigProblems* problems) {
  if (!agree && problems->is_known(key) && problems->is_known(other)) {
    problems->add(key, fmt::format("{}: {}", key, what));
  }
}

// What no single key can see.
void check_together(const ServerConfig& config, ConfigProblems* problems) {
  check_pair("request_timeout_seconds", "max_request_timeout_seconds",
             config.request_timeout_seconds <= config.max_request_timeout_seconds,
             fmt::format("is {}, more than max_request_timeout_seconds ({})", config.request_timeout_seconds,
                         config.max_request_timeout_seconds),
             problems);
  check_pair("max_texts_per_request", "max_queued_texts", config.max_texts_per_request <= config.max_queued_texts,
             fmt::format("is {}, more than max_queued_texts ({}); such a request could never run",
                         config.max_texts_per_request, config.max_queued_texts),
             problems);
  check_pair("max_text_bytes", "max_body_bytes", config.max_text_bytes <= config.max_body_bytes,
             fmt::format("is {}, more than max_body_bytes ({})", config.max_text_bytes, config.max_body_bytes),
             problems);
}

// Whether a path of KServe's or of the admin routes with this name in it would be read as another one.
bool reads_like_a_route(std::string_view name) {
  return name.find("/versions/") != std::string_view::npos || name.ends_with("/ready") || name.ends_with("/infer") ||
         name.ends_with("/load") || name.ends_with("/unload");
}

void check_models(const ConfigSources& sources, const std::vector<ModelSpec>& named, ServerConfig* config,
                  ConfigProblems* problems) {
  if (!problems->is_known("models")) return;
  std::set<std::string> names;
  for (ModelSpec& spec : config->models) {
    if (!names.insert(spec.name).second) {
      problems->add("models", fmt::format("models: the name '{}' is given to two models", spec.name));
    }
    if (find_invalid_utf8(spec.name) != kValidUtf8) problems->add("models", "models: a name is not valid UTF-8");
    if (reads_like_a_route(spec.name)) {
      problems->add("models", fmt::format("models: the name '{}' would be read as a route; choose another with "
                                          "NAME=DIR",
                                          spec.name));
    }
    if (!sources.find_model) continue;
    auto directory = sources.find_model(spec.directory, named);
    if (directory) {
      spec.directory = std::move(*directory);
    } else {
      problems->add("models", fmt::format("models: {}: {}", spec.name, directory.error().message));
    }
  }
}

}  // namespace

Result<ServerConfig> load_server_config(const ConfigSources& sources) {
  ServerConfig config;
  const std::vector<ConfigField> fields = config_fields(config);
  ConfigProblems problems;
  apply_config_file(sources.file, fields, &problems);
  std::vector<ModelSpec> named = config.models;
  apply_environment(sources, fields, &problems);
  apply_flags(sources, fields, &problems);
  if (config.models == named) named.clear();  // the file's own models are not looked up in themselves
  for (ModelSpec& spec : config.models) take_model_keys(named, &spec);
  override_model_keys(sources, fields, &config);
  check_together(config, &problems);
  check_models(sources, named, &config, &problems);
  if (!problems.lines().empty()) return std::unexpected(configuration_error(problems.lines()));
  return config;
}

Result<void> configure_log(const ServerConfig& config) {
  return configure_log(config.log_level, config.log_format == "json" ? LogFormat::kJson : LogFormat::kText);
}

Status configuration_error(const std::vector<std::string>& problems) {
  if (problems.size() == 1) return {StatusCode::kInvalidArgument, problems.front()};
  std::string message = fmt::format("the configuration has {} problems:", problems.size());
  for (const std::string& problem : problems) message += "\n  " + problem;
  return {StatusCode::kInvalidArgument, message};
}

std::vector<ConfigKey> server_config_keys() {
  ServerConfig defaults;
  std::vector<ConfigKey> keys;
  for (const ConfigField& field : config_fields(defaults)) {
    const std::string limits = field_limits(field);
    keys.push_back({.name = std::string(field.info.name),
                    .flag = field_flag(field.info),
                    .variable = field_variable(field.info),
                    .help = std::string(field.info.help) + (limits.empty() ? "" : " (" + limits + ")"),
                    .default_value = field_text(field),
                    .repeatable = std::holds_alternative<std::vector<ModelSpec>*>(field.value)});
  }
  return keys;
}

}  // namespace vivace
