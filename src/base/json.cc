#include "base/json.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <simdjson.h>

#include "base/sort_key.h"
#include "base/utf8.h"

namespace vivace {
namespace {

using simdjson::dom::element_type;

using ElementBits = std::array<uint64_t, 2>;

simdjson::dom::element from_bits(const ElementBits& bits) {
  return std::bit_cast<simdjson::dom::element>(bits);
}
ElementBits to_bits(simdjson::dom::element element) {
  return std::bit_cast<ElementBits>(element);
}

std::string join_path(const std::string& path, std::string_view key) {
  std::string joined = path;
  // The document's name ends with ':'-space, members are joined by dots.
  joined.append(path.find(": ") == std::string::npos ? ": " : ".").append(printable(key));
  return joined;
}

std::optional<std::string_view> key_that_occurs_twice(simdjson::dom::object object) {
  std::vector<SortKey> keys;
  for (const auto& [key, value] : object) keys.emplace_back(key);
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  return twice == keys.end() ? std::nullopt : std::optional(twice->text);
}

// Depth first; what holds no object costs a glance an item. Ends: documents are at most kMaxDepth deep.
std::optional<std::string_view> key_that_occurs_twice_inside(simdjson::dom::element element) {
  simdjson::dom::array array;
  if (element.get(array) == simdjson::SUCCESS) {
    for (const auto item : array) {
      if (const auto twice = key_that_occurs_twice_inside(item)) return twice;
    }
    return std::nullopt;
  }
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return std::nullopt;
  if (const auto twice = key_that_occurs_twice(object)) return twice;
  for (const auto& [key, value] : object) {
    if (const auto twice = key_that_occurs_twice_inside(value)) return twice;
  }
  return std::nullopt;
}

// simdjson refuses whole numbers past 64 bits, but Python writes them: most tokenizer_config.json files say
// "model_max_length": 1000000000000000019884624838656. The same text, with "e0" after such numbers to make them
// doubles.
std::string with_long_integers_as_doubles(std::string_view text) {
  constexpr size_t kDigitsOf64Bits = 19;
  const auto is_digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  std::string out;
  out.reserve(text.size() + 16);
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    if (in_string) {
      if (text[i] == '\\') end = std::min(i + 2, text.size());
      in_string = text[i] != '"';
      out.append(text, i, end - i);
    } else if (is_digit(i)) {
      while (is_digit(end)) ++end;
      out.append(text, i, end - i);
      const bool is_whole = end == text.size() || (text[end] != '.' && text[end] != 'e' && text[end] != 'E');
      const bool starts_number = i == 0 || std::string_view("-:,[ \t\r\n").find(text[i - 1]) != std::string_view::npos;
      if (end - i >= kDigitsOf64Bits && is_whole && starts_number) out.append("e0");
    } else {
      in_string = text[i] == '"';
      out.push_back(text[i]);
    }
    i = end;
  }
  return out;
}

}  // namespace

bool JsonValue::is_null() const {
  return from_bits(m_element).is_null();
}
bool JsonValue::is_string() const {
  return from_bits(m_element).is_string();
}
bool JsonValue::is_object() const {
  return from_bits(m_element).is_object();
}
bool JsonValue::is_array() const {
  return from_bits(m_element).is_array();
}
bool JsonValue::is_number() const {
  return from_bits(m_element).is_number();
}
bool JsonValue::is_bool() const {
  return from_bits(m_element).is_bool();
}

std::string JsonValue::to_text() const {
  return simdjson::minify(from_bits(m_element));
}

std::string_view JsonValue::type_name() const {
  switch (from_bits(m_element).type()) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::INT64:
    case element_type::UINT64: return "an integer";
    case element_type::DOUBLE: return "a number";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
  }
  return "unknown";
}

std::unexpected<Status> JsonValue::fail(std::string_view message) const {
  return error(StatusCode::kInvalidArgument, m_path + ": " + std::string(message));
}

std::unexpected<Status> JsonValue::wrong_type(std::string_view expected) const {
  return fail("expected " + std::string(expected) + ", found " + std::string(type_name()));
}

Result<JsonValue> JsonValue::get(std::string_view key) const {
  if (!is_object()) return wrong_type("an object");
  simdjson::dom::element member;
  if (from_bits(m_element)[key].get(member) != simdjson::SUCCESS) return fail("'" + printable(key) + "' is missing");
  return JsonValue(to_bits(member), join_path(m_path, key));
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  simdjson::dom::element member;
  if (!is_object() || from_bits(m_element)[key].get(member) != simdjson::SUCCESS || member.is_null())
    return std::nullopt;
  return JsonValue(to_bits(member), join_path(m_path, key));
}

Result<std::string_view> JsonValue::as_string() const {
  std::string_view value;
  if (from_bits(m_element).get(value) != simdjson::SUCCESS) return wrong_type("a string");
  return value;
}

Result<bool> JsonValue::as_bool() const {
  bool value = false;
  if (from_bits(m_element).get(value) != simdjson::SUCCESS) return wrong_type("a boolean");
  return value;
}

Result<double> JsonValue::as_double() const {
  double value = 0;
  if (from_bits(m_element).get(value) != simdjson::SUCCESS) return wrong_type("a number");
  return value;
}

Result<int64_t> JsonValue::as_integer(int64_t lowest, int64_t highest) const {
  int64_t value = 0;
  uint64_t large = 0;
  if (from_bits(m_element).get(value) != simdjson::SUCCESS) {
    if (from_bits(m_element).get(large) == simdjson::SUCCESS)
      return out_of_range(std::to_string(large), lowest, highest);
    // 1e3 and 512.0 are whole numbers too.
    double number = 0;
    if (from_bits(m_element).get(number) != simdjson::SUCCESS || number != std::floor(number) ||
        std::abs(number) > 1e15) {
      return wrong_type("an integer");
    }
    value = static_cast<int64_t>(number);
  }
  if (value < lowest || value > highest) return out_of_range(std::to_string(value), lowest, highest);
  return value;
}

std::unexpected<Status> JsonValue::out_of_range(const std::string& value, int64_t lowest, int64_t highest) const {
  return fail("is " + value + ", expected " + std::to_string(lowest) + " to " + std::to_string(highest));
}

Result<std::vector<JsonValue>> JsonValue::as_array(size_t max_items) const {
  simdjson::dom::array array;
  if (from_bits(m_element).get(array) != simdjson::SUCCESS) return wrong_type("an array");
  if (array.size() > max_items) {
    return error(StatusCode::kTooLarge, m_path + ": has " + std::to_string(array.size()) +
                                            " items, more than the limit of " + std::to_string(max_items));
  }
  std::vector<JsonValue> values;
  for (simdjson::dom::element item : array) {
    values.push_back(JsonValue(to_bits(item), m_path + "[" + std::to_string(values.size()) + "]"));
  }
  return values;
}

Result<std::vector<std::pair<std::string_view, JsonValue>>> JsonValue::as_object() const {
  simdjson::dom::object object;
  if (from_bits(m_element).get(object) != simdjson::SUCCESS) return wrong_type("an object");
  if (const auto twice = key_that_occurs_twice(object)) return fail("'" + printable(*twice) + "' occurs twice");
  std::vector<std::pair<std::string_view, JsonValue>> members;
  for (const auto& [key, value] : object) {
    members.emplace_back(key, JsonValue(to_bits(value), join_path(m_path, key)));
  }
  return members;
}

Result<void> JsonValue::check_keys() const {
  const auto twice = key_that_occurs_twice_inside(from_bits(m_element));
  if (twice) return fail("'" + printable(*twice) + "' occurs twice");
  return {};
}

Result<std::vector<std::pair<std::string_view, int64_t>>> JsonValue::as_integers_by_key(int64_t lowest,
                                                                                        int64_t highest) const {
  simdjson::dom::object object;
  if (from_bits(m_element).get(object) != simdjson::SUCCESS) return wrong_type("an object");
  if (const auto twice = key_that_occurs_twice(object)) return fail("'" + printable(*twice) + "' occurs twice");
  std::vector<std::pair<std::string_view, int64_t>> members;
  for (const auto& [key, value] : object) {
    int64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS || number < lowest || number > highest) {
      ASSIGN_OR_RETURN(number, JsonValue(to_bits(value), join_path(m_path, key)).as_integer(lowest, highest));
    }
    members.emplace_back(key, number);
  }
  return members;
}

Result<std::string> JsonValue::string_or(std::string_view key, std::string_view fallback) const {
  const auto member = find(key);
  if (!member) return std::string(fallback);
  ASSIGN_OR_RETURN(const std::string_view value, member->as_string());
  return std::string(value);
}

Result<bool> JsonValue::bool_or(std::string_view key, bool fallback) const {
  const auto member = find(key);
  return member ? member->as_bool() : Result<bool>(fallback);
}

Result<double> JsonValue::double_or(std::string_view key, double fallback) const {
  const auto member = find(key);
  return member ? member->as_double() : Result<double>(fallback);
}

Result<int64_t> JsonValue::integer_or(std::string_view key, int64_t fallback, int64_t lowest, int64_t highest) const {
  const auto member = find(key);
  return member ? member->as_integer(lowest, highest) : Result<int64_t>(fallback);
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::string_view origin) {
  JsonDocument document;
  document.m_origin = std::string(origin);
  const auto parser = std::make_shared<simdjson::dom::parser>();
  simdjson::dom::element root;
  const auto parse_text = [&parser, &root](std::string_view json) {
    const auto code = parser->allocate(json.size() + simdjson::SIMDJSON_PADDING, kMaxDepth);
    if (code != simdjson::SUCCESS) return code;
    return parser->parse(simdjson::padded_string(json)).get(root);
  };
  auto code = parse_text(text);
  if (code == simdjson::NUMBER_ERROR) code = parse_text(with_long_integers_as_doubles(text));
  if (code == simdjson::DEPTH_ERROR) {
    return error(StatusCode::kInvalidArgument,
                 document.m_origin + ": is nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  if (code != simdjson::SUCCESS) {
    return error(StatusCode::kInvalidArgument,
                 document.m_origin + ": is not valid JSON: " + simdjson::error_message(code));
  }
  document.m_parser = parser;
  document.m_root = to_bits(root);
  return document;
}

}  // namespace vivace
