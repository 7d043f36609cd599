#include "server/config_fields.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ranges>

#include <fmt/format.h>

namespace vivace {
namespace {

std::string quoted(std::string_view text) {
  return fmt::format("'{}'", text);
}

// The whole of text as a number, in the notation of YAML and shells alike.
template <typename Number>
bool parse_whole(std::string_view text, Number* number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return code == std::errc() && end == text.data() + text.size();
}

template <typename Number>
Result<void> set_number(const FieldInfo& info, std::string_view text, std::string_view type, Number* out) {
  Number number{};
  if (!parse_whole(text, &number)) {
    return error(StatusCode::kInvalidArgument, fmt::format("expected {}, found {}", type, quoted(text)));
  }
  // Written so that not-a-number fails too.
  if (!(static_cast<double>(number) >= info.lowest && static_cast<double>(number) <= info.highest)) {
    return error(StatusCode::kInvalidArgument,
                 fmt::format("is {}, expected {} to {}", number, info.lowest, info.highest));
  }
  *out = number;
  return {};
}

bool is_choice(std::string_view choices, std::string_view text) {
  return std::ranges::any_of(choices | std::views::split('|'),
                             [&](auto&& choice) { return std::string_view(choice.begin(), choice.end()) == text; });
}

Result<void> set_text(const FieldInfo& info, std::string_view text, std::string* out) {
  if (!info.choices.empty() && !is_choice(info.choices, text)) {
    return error(StatusCode::kInvalidArgument, fmt::format("is {}, expected one of {}", quoted(text), info.choices));
  }
  if (info.check != nullptr) RETURN_IF_ERROR(info.check(text));
  *out = std::string(text);
  return {};
}

Result<void> set_models(std::string_view text, std::vector<ModelSpec>* out) {
  std::vector<ModelSpec> models;
  for (auto&& part : text | std::views::split(',')) {
    ASSIGN_OR_RETURN(ModelSpec spec, parse_model_spec(std::string_view(part.begin(), part.end())));
    models.push_back(std::move(spec));
  }
  *out = std::move(models);
  return {};
}

std::string models_text(const std::vector<ModelSpec>& models) {
  std::string text;
  for (const ModelSpec& spec : models)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", spec.name, spec.directory);
  return text;
}

}  // namespace

std::vector<ConfigField> config_fields(ServerConfig& config) {
  std::vector<ConfigField> fields;
  ServerConfig::visit(config, [&](auto& value, const FieldInfo& info) { fields.push_back({info, &value}); });
  return fields;
}

std::string field_flag(const FieldInfo& info) {
  if (!info.flag.empty()) return std::string(info.flag);
  std::string flag = "--" + std::string(info.name);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string field_variable(const FieldInfo& info) {
  std::string variable = "VIVACE_";
  for (const char c : info.name) variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

std::string field_limits(const ConfigField& field) {
  const bool is_number = std::holds_alternative<int64_t*>(field.value) || std::holds_alternative<double*>(field.value);
  if (is_number) return fmt::format("{} to {}", field.info.lowest, field.info.highest);
  if (field.info.choices.empty()) return "";
  return "one of " + std::string(field.info.choices);
}

std::string field_text(const ConfigField& field) {
  if (field.info.secret) return "";
  if (const auto* models = std::get_if<std::vector<ModelSpec>*>(&field.value)) return models_text(**models);
  if (const auto* text = std::get_if<std::string*>(&field.value)) return **text;
  if (const auto* number = std::get_if<int64_t*>(&field.value)) return fmt::format("{}", **number);
  return fmt::format("{}", *std::get<double*>(field.value));
}

Result<void> set_field(const ConfigField& field, std::string_view text) {
  if (const auto* number = std::get_if<int64_t*>(&field.value)) {
    return set_number(field.info, text, "an integer", *number);
  }
  if (const auto* number = std::get_if<double*>(&field.value)) return set_number(field.info, text, "a number", *number);
  if (const auto* value = std::get_if<std::string*>(&field.value)) return set_text(field.info, text, *value);
  return set_models(text, std::get<std::vector<ModelSpec>*>(field.value));
}

Result<ModelSpec> parse_model_spec(std::string_view text) {
  const size_t equals = text.find('=');
  ModelSpec spec;
  spec.directory = std::string(equals == std::string_view::npos ? text : text.substr(equals + 1));
  if (equals != std::string_view::npos) {
    spec.name = std::string(text.substr(0, equals));
  } else {
    std::string_view path = text;
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    spec.name = std::string(path.substr(path.rfind('/') + 1));
  }
  if (spec.name.empty() || spec.directory.empty()) {
    return error(StatusCode::kInvalidArgument, fmt::format("expected [NAME=]DIR, found {}", quoted(text)));
  }
  return spec;
}

}  // namespace vivace
