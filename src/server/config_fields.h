// The keys of a ServerConfig as a list, for the code that treats them all alike: reading, help texts, printing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "server/server_config.h"

namespace vivace {

using FieldValue = std::variant<std::string*, int64_t*, double*, std::vector<ModelSpec>*>;

struct ConfigField {
  FieldInfo info;
  FieldValue value;  // points into the ServerConfig
};

std::vector<ConfigField> config_fields(ServerConfig& config);

// What is wrong, a line each, and of which keys the values are therefore not known.
class ConfigProblems {
 public:
  void add(std::string_view key, std::string line) {
    m_keys.insert(std::string(key));
    m_lines.push_back(std::move(line));
  }
  // Of a whole file: no key's value is known.
  void add_unreadable(std::string line) { add("", std::move(line)); }
  bool is_known(std::string_view key) const { return !m_keys.contains("") && !m_keys.contains(key); }
  const std::vector<std::string>& lines() const { return m_lines; }

 private:
  std::vector<std::string> m_lines;
  std::set<std::string, std::less<>> m_keys;
};

std::string field_flag(const FieldInfo& info);
std::string field_variable(const FieldInfo& info);
// "1 to 64", "one of auto, fp32", or empty when any value will do.
std::string field_limits(const ConfigField& field);
// The value as one would write it; empty for secrets.
std::string field_text(const ConfigField& field);

// Sets a field from text; kInvalidArgument says what was expected. Models are separated by commas and replace the
// list.
Result<void> set_field(const ConfigField& field, std::string_view text);

// What the entry of one model in the file may say beside its directory; numbers from 0 to 1.
struct ModelKey {
  std::string_view name;
  std::optional<double> ModelSpec::* value;
};
inline constexpr std::array kModelKeys = {
    ModelKey{"impact_gate_without_keywords", &ModelSpec::impact_gate_without_keywords},
    ModelKey{"impact_gate_with_keywords", &ModelSpec::impact_gate_with_keywords},
};

// "[NAME=]DIR"; without a name the directory's last part is the name.
Result<ModelSpec> parse_model_spec(std::string_view text);

}  // namespace vivace
