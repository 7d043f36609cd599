#include "server/model_entry_edit.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <string_view>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace vivace {
namespace {

using Keys = std::vector<std::pair<std::string, std::string>>;

// A piece of the text, and what takes its place.
struct Edit {
  size_t begin = 0;
  size_t end = 0;
  std::string text;
};

Status unusual(const std::string& model) {
  return {
      StatusCode::kUnsupported,
      fmt::format("models: {}: is written in a way that cannot be edited here; write 'NAME: DIR' in one line", model)};
}

size_t place_of(const YAML::Node& node) {
  return static_cast<size_t>(node.Mark().pos);
}

// Where a scalar ends. nullopt for one with escapes or over several lines: its text is not what the file says.
std::optional<size_t> end_of_scalar(std::string_view yaml, const YAML::Node& node) {
  size_t begin = place_of(node);
  if (begin >= yaml.size()) return std::nullopt;
  const size_t quotes = yaml[begin] == '"' || yaml[begin] == '\'' ? 1 : 0;
  begin += quotes;
  if (!yaml.substr(begin).starts_with(node.Scalar())) return std::nullopt;
  return begin + node.Scalar().size() + quotes;
}

std::optional<Edit> add_keys_to_scalar(std::string_view yaml, const YAML::Node& entry, const Keys& keys) {
  const auto end = end_of_scalar(yaml, entry);
  if (!end) return std::nullopt;
  YAML::Emitter out;
  out << YAML::Flow << YAML::BeginMap << YAML::Key << "directory" << YAML::Value << YAML::DoubleQuoted
      << entry.Scalar();
  for (const auto& [name, value] : keys) out << YAML::Key << name << YAML::Value << value;
  out << YAML::EndMap;
  return Edit{place_of(entry), *end, out.c_str()};
}

// Right behind the directory, in the same form: ", KEY: VALUE" within braces, else a line of its own.
std::optional<Edit> add_key_to_map(std::string_view yaml, const YAML::Node& entry, const std::string& added) {
  const YAML::Node directory = entry["directory"];
  if (!directory || !directory.IsScalar()) return std::nullopt;
  const auto end = end_of_scalar(yaml, directory);
  if (!end) return std::nullopt;
  if (entry.Style() == YAML::EmitterStyle::Flow) return Edit{*end, *end, ", " + added};
  const size_t line_end = std::min(yaml.find('\n', *end), yaml.size());
  const auto indent = static_cast<size_t>(entry.begin()->first.Mark().column);
  return Edit{line_end, line_end, "\n" + std::string(indent, ' ') + added};
}

std::optional<std::vector<Edit>> edits_of(std::string_view yaml, const YAML::Node& entry, const Keys& keys) {
  std::vector<std::optional<Edit>> edits;
  if (!entry.IsMap()) edits.push_back(add_keys_to_scalar(yaml, entry, keys));
  for (const auto& [name, value] : entry.IsMap() ? keys : Keys()) {
    const YAML::Node before = entry[name];
    if (!before) {
      edits.push_back(add_key_to_map(yaml, entry, name + ": " + value));
    } else if (const auto end = before.IsScalar() ? end_of_scalar(yaml, before) : std::nullopt) {
      edits.push_back(Edit{place_of(before), *end, value});
    } else {
      edits.push_back(std::nullopt);
    }
  }
  std::vector<Edit> known;
  for (std::optional<Edit>& edit : edits) {
    if (!edit) return std::nullopt;
    known.push_back(std::move(*edit));
  }
  return known;
}

// Whether the entry is what was meant, however its text came about.
bool holds(const std::string& edited, const std::string& model, const std::string& directory, const Keys& keys) {
  const YAML::Node entry = YAML::Load(edited)["models"][model];
  return entry.IsMap() && entry["directory"].as<std::string>("") == directory &&
         std::ranges::all_of(
             keys, [&](const Keys::value_type& key) { return entry[key.first].as<std::string>("") == key.second; });
}

std::string apply(std::vector<Edit> edits, std::string text) {
  // From the end to the beginning, so that the places of the others stay as they are.
  std::ranges::stable_sort(edits, {}, &Edit::begin);
  for (const Edit& edit : edits | std::views::reverse) text.replace(edit.begin, edit.end - edit.begin, edit.text);
  return text;
}

}  // namespace

Result<std::string> with_model_keys(const std::string& yaml, const std::vector<std::string>& models, const Keys& keys) {
  try {
    const YAML::Node entries = YAML::Load(yaml)["models"];
    std::vector<Edit> edits;
    for (const std::string& model : models) {
      const auto found = entries[model] ? edits_of(yaml, entries[model], keys) : std::nullopt;
      if (!found) return std::unexpected(unusual(model));
      edits.insert(edits.end(), found->begin(), found->end());
    }
    std::string edited = apply(std::move(edits), yaml);
    for (const std::string& model : models) {
      const YAML::Node before = entries[model];
      const std::string directory = (before.IsMap() ? before["directory"] : before).as<std::string>();
      if (!holds(edited, model, directory, keys)) return std::unexpected(unusual(model));
    }
    return edited;
  } catch (const YAML::Exception& exception) {
    return error(StatusCode::kInvalidArgument, exception.what());
  }
}

}  // namespace vivace
