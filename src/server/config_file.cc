#include "server/config_file.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/mapped_file.h"

namespace vivace {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;

std::string_view yaml_type(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Null: return "nothing";
    case YAML::NodeType::Scalar: return "a value";
    case YAML::NodeType::Sequence: return "a list";
    case YAML::NodeType::Map: return "a map";
    case YAML::NodeType::Undefined: break;
  }
  return "nothing";
}

// "8080" in quotation marks is text, 8080 is a number: YAML's tag tells them apart.
bool is_quoted(const YAML::Node& node) {
  return node.Tag() == "!";
}

bool is_number(const ConfigField& field) {
  return std::holds_alternative<int64_t*>(field.value) || std::holds_alternative<double*>(field.value);
}

Result<void> set_from_scalar(const ConfigField& field, const YAML::Node& node) {
  const std::string_view expected = is_number(field) ? "a number" : "a text";
  if (!node.IsScalar()) {
    return error(StatusCode::kInvalidArgument, fmt::format("expected {}, found {}", expected, yaml_type(node)));
  }
  if (is_number(field) && is_quoted(node)) {
    return error(StatusCode::kInvalidArgument, fmt::format("expected a number, found the text \"{}\"", node.Scalar()));
  }
  return set_field(field, node.Scalar());
}

// One of kModelKeys in a model's entry.
Result<void> set_model_key(const std::string& key, const YAML::Node& node, ModelSpec* spec) {
  const auto known = std::ranges::find(kModelKeys, key, &ModelKey::name);
  if (known == kModelKeys.end()) return error(StatusCode::kInvalidArgument, "unknown key");
  double number = 0;
  RETURN_IF_ERROR(set_from_scalar({.info = {.name = known->name, .highest = 1}, .value = &number}, node));
  spec->*known->value = number;
  return {};
}

// A text with something in it.
bool is_directory(const YAML::Node& node) {
  return node && node.IsScalar() && !node.Scalar().empty();
}

// NAME: {directory: DIR, …}
Result<ModelSpec> model_from_map(const std::string& name, const YAML::Node& node) {
  ModelSpec spec{.name = name, .directory = node["directory"].Scalar()};
  std::set<std::string> given;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "(a key that is no text)";
    const auto fail = [&](std::string_view why) {
      return error(StatusCode::kInvalidArgument,
                   fmt::format("{}: {}: {} (line {})", name, key, why, entry.first.Mark().line + 1));
    };
    if (!given.insert(key).second) return fail("is given twice");
    if (key == "directory") continue;
    const auto set = set_model_key(key, entry.second, &spec);
    if (!set) return fail(set.error().message);
  }
  return spec;
}

Result<ModelSpec> read_model(const YAML::Node& name, const YAML::Node& value) {
  const bool is_named = name.IsScalar() && !name.Scalar().empty();
  if (is_named && is_directory(value)) return ModelSpec{.name = name.Scalar(), .directory = value.Scalar()};
  if (is_named && value.IsMap() && is_directory(value["directory"])) return model_from_map(name.Scalar(), value);
  const std::string found = is_named ? fmt::format(" ({}: found {})", name.Scalar(), yaml_type(value)) : "";
  return error(StatusCode::kInvalidArgument,
               fmt::format("expected NAME: DIR in line {}{}", name.Mark().line + 1, found));
}

Result<void> set_models_from_map(const YAML::Node& node, std::vector<ModelSpec>* out) {
  if (!node.IsMap()) {
    return error(StatusCode::kInvalidArgument,
                 fmt::format("expected a map of name to directory, found {}", yaml_type(node)));
  }
  std::vector<ModelSpec> models;
  std::string problems;
  for (const auto& entry : node) {
    auto model = read_model(entry.first, entry.second);
    if (model) {
      models.push_back(std::move(*model));
    } else {
      problems += (problems.empty() ? "" : ", ") + model.error().message;
    }
  }
  if (!problems.empty()) return error(StatusCode::kInvalidArgument, problems);
  *out = std::move(models);
  return {};
}

Result<void> set_from_yaml(const ConfigField& field, const YAML::Node& node) {
  auto* const* models = std::get_if<std::vector<ModelSpec>*>(&field.value);
  return models != nullptr ? set_models_from_map(node, *models) : set_from_scalar(field, node);
}

void apply_entry(const YAML::Node& key_node, const YAML::Node& value, const std::string& file,
                 const std::vector<ConfigField>& fields, ConfigProblems* problems) {
  const std::string key = key_node.IsScalar() ? key_node.Scalar() : "(a key that is no text)";
  const auto field = std::ranges::find(fields, key, [](const ConfigField& f) { return std::string(f.info.name); });
  if (field == fields.end()) {
    problems->add(key, fmt::format("{}: {}: unknown key (line {})", file, key, key_node.Mark().line + 1));
    return;
  }
  const auto set = set_from_yaml(*field, value);
  if (!set) problems->add(key, fmt::format("{}: {}: {}", file, key, set.error().message));
}

void apply_document(const YAML::Node& root, const std::string& file, const std::vector<ConfigField>& fields,
                    ConfigProblems* problems) {
  if (root.IsNull()) return;  // an empty file: all defaults
  if (!root.IsMap()) {
    problems->add_unreadable(fmt::format("{}: expected a map of keys to values, found {}", file, yaml_type(root)));
    return;
  }
  std::map<std::string, int> times;
  for (const auto& entry : root) {
    if (entry.first.IsScalar() && ++times[entry.first.Scalar()] > 1) continue;
    apply_entry(entry.first, entry.second, file, fields, problems);
  }
  for (const auto& [key, count] : times) {
    if (count == 1) continue;
    problems->add(key,
                  fmt::format("{}: {}: is given {}", file, key, count == 2 ? "twice" : fmt::format("{} times", count)));
  }
}

void emit_model(const ModelSpec& spec, YAML::Emitter* out) {
  const bool has_keys = std::ranges::any_of(kModelKeys, [&](const ModelKey& key) { return bool(spec.*key.value); });
  if (!has_keys) {
    *out << YAML::DoubleQuoted << spec.directory;
    return;
  }
  *out << YAML::BeginMap << YAML::Key << "directory" << YAML::Value << YAML::DoubleQuoted << spec.directory;
  for (const ModelKey& key : kModelKeys) {
    if (const auto& number = spec.*key.value) {
      *out << YAML::Key << std::string(key.name) << YAML::Value << fmt::format("{}", *number);
    }
  }
  *out << YAML::EndMap;
}

}  // namespace

void apply_config_file(const std::optional<std::string>& path, const std::vector<ConfigField>& fields,
                       ConfigProblems* problems) {
  const std::string file = path.value_or(kDefaultConfigFile);
  std::error_code ignored;
  if (!path && !std::filesystem::exists(file, ignored)) return;
  const auto text = read_text_file(file, kMaxFileBytes);
  if (!text) {
    problems->add_unreadable(text.error().message);
    return;
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(*text);
    if (documents.size() > 1) {
      problems->add_unreadable(fmt::format("{}: holds {} YAML documents; keep one, without a line '---' in between",
                                           file, documents.size()));
    } else if (!documents.empty()) {
      apply_document(documents.front(), file, fields, problems);
    }
  } catch (const YAML::Exception& exception) {
    problems->add_unreadable(fmt::format("{}: line {}: {}", file, exception.mark.line + 1, exception.msg));
  }
}

std::string server_config_yaml(const ServerConfig& config) {
  ServerConfig copy = config;
  std::string text;
  for (const ConfigField& field : config_fields(copy)) {
    const std::string limits = field_limits(field);
    text += fmt::format("# {}{}\n", field.info.help, limits.empty() ? "" : " (" + limits + ")");
    YAML::Emitter value;
    if (auto* const* models = std::get_if<std::vector<ModelSpec>*>(&field.value)) {
      value << YAML::Flow << YAML::BeginMap;
      for (const ModelSpec& spec : **models) {
        value << YAML::Key << YAML::DoubleQuoted << spec.name << YAML::Value;
        emit_model(spec, &value);
      }
      value << YAML::EndMap;
    } else if (std::holds_alternative<std::string*>(field.value)) {
      value << YAML::DoubleQuoted << field_text(field);
    } else {
      value << field_text(field);
    }
    text += fmt::format("{}{}: {}\n", field.info.secret ? "# " : "", field.info.name, value.c_str());
  }
  return text;
}

}  // namespace vivace
