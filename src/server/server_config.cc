#include "server/server_config.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "base/utf8.h"
#include "server/config_fields.h"
#include "server/config_file.h"

namespace vivace {
namespace {

using Problems = std::vector<std::string>;

// Kubernetes sets VIVACE_PORT=tcp://10.0.0.1:8080 in every pod beside a Service named "vivace"; that is not for us.
bool is_service_link(const std::string& variable, std::string_view value) {
  return variable == "VIVACE_PORT" && value.starts_with("tcp://");
}

void apply_environment(const ConfigSources& sources, const std::vector<ConfigField>& fields, Problems* problems) {
  for (const ConfigField& field : fields) {
    const std::string variable = field_variable(field.info);
    const char* value = sources.environment ? sources.environment(variable) : std::getenv(variable.c_str());
    if (value == nullptr || is_service_link(variable, value)) continue;
    const auto set = set_field(field, value);
    if (!set) problems->push_back(variable + ": " + set.error().message);
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

void apply_flags(const ConfigSources& sources, const std::vector<ConfigField>& fields, Problems* problems) {
  for (const auto& [name, texts] : sources.flags) {
    const auto field = std::ranges::find(fields, name, [](const ConfigField& f) { return std::string(f.info.name); });
    if (field == fields.end()) {
      problems->push_back(fmt::format("--{}: unknown flag", name));
      continue;
    }
    const auto set = set_from_flags(*field, texts);
    if (!set) problems->push_back(field_flag(field->info) + ": " + set.error().message);
  }
}

// What no single key can see.
void check_together(const ServerConfig& config, Problems* problems) {
  if (config.request_timeout_seconds > config.max_request_timeout_seconds) {
    problems->push_back(fmt::format("request_timeout_seconds: is {}, more than max_request_timeout_seconds ({})",
                                    config.request_timeout_seconds, config.max_request_timeout_seconds));
  }
  if (config.max_texts_per_request > config.max_queued_texts) {
    problems->push_back(
        fmt::format("max_texts_per_request: is {}, more than max_queued_texts ({}); such a request could never run",
                    config.max_texts_per_request, config.max_queued_texts));
  }
  if (config.max_text_bytes > config.max_body_bytes) {
    problems->push_back(fmt::format("max_text_bytes: is {}, more than max_body_bytes ({})", config.max_text_bytes,
                                    config.max_body_bytes));
  }
  std::set<std::string> names;
  for (const ModelSpec& spec : config.models) {
    if (!names.insert(spec.name).second) {
      problems->push_back(fmt::format("models: the name '{}' is given to two models", spec.name));
    }
    if (find_invalid_utf8(spec.name) != kValidUtf8) problems->emplace_back("models: a name is not valid UTF-8");
  }
}

Status all_problems(const Problems& problems) {
  if (problems.size() == 1) return {StatusCode::kInvalidArgument, problems.front()};
  std::string message = fmt::format("the configuration has {} problems:", problems.size());
  for (const std::string& problem : problems) message += "\n  " + problem;
  return {StatusCode::kInvalidArgument, message};
}

}  // namespace

Result<ServerConfig> load_server_config(const ConfigSources& sources) {
  ServerConfig config;
  const std::vector<ConfigField> fields = config_fields(config);
  Problems problems;
  apply_config_file(sources.file, fields, &problems);
  apply_environment(sources, fields, &problems);
  apply_flags(sources, fields, &problems);
  // Only of values that are right in themselves, else one mistake would be told twice.
  if (problems.empty()) check_together(config, &problems);
  if (!problems.empty()) return std::unexpected(all_problems(problems));
  return config;
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
