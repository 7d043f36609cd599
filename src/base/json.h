// Reading JSON that comes from outside: a thin, path-aware layer over simdjson's DOM.
//
// Every accessor returns a Result whose message names the document and the path of the value ("config.json:
// hidden_size: expected an integer, found a string"), so callers need no error texts of their own.
// A JsonValue borrows from its JsonDocument and must not outlive it. simdjson.h itself stays out of this header:
// reading it takes the compiler seconds, in each file anew.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vivace {

class JsonValue {
 public:
  bool is_null() const;
  bool is_string() const;
  bool is_object() const;
  bool is_array() const;
  bool is_number() const;
  bool is_bool() const;
  // "null", "a string", "an integer", …
  std::string_view type_name() const;

  // Member of an object; get() fails when it is missing, find() answers nullopt for missing or null (and when this is
  // no object).
  Result<JsonValue> get(std::string_view key) const;
  std::optional<JsonValue> find(std::string_view key) const;

  // The value in the asked type; kInvalidArgument otherwise. as_integer takes whole numbers of the given range.
  Result<std::string_view> as_string() const;
  Result<bool> as_bool() const;
  Result<double> as_double() const;
  Result<int64_t> as_integer(int64_t lowest, int64_t highest) const;
  // kTooLarge, before anything is allocated, when there are more than max_items.
  Result<std::vector<JsonValue>> as_array(size_t max_items = SIZE_MAX) const;
  // Members in document order; a key that occurs twice is an error.
  Result<std::vector<std::pair<std::string_view, JsonValue>>> as_object() const;
  // The same of an object whose values are whole numbers of the given range, for a vocabulary's many.
  Result<std::vector<std::pair<std::string_view, int64_t>>> as_integers_by_key(int64_t lowest, int64_t highest) const;

  // kInvalidArgument, naming it, for a key that occurs twice in this object or in any inside it: a lookup would take
  // the first without a word.
  Result<void> check_keys() const;

  // Lookup with a default where the member is missing or null, and the same errors as above where it has another type.
  Result<std::string> string_or(std::string_view key, std::string_view fallback) const;
  Result<bool> bool_or(std::string_view key, bool fallback) const;
  Result<double> double_or(std::string_view key, double fallback) const;
  Result<int64_t> integer_or(std::string_view key, int64_t fallback, int64_t lowest, int64_t highest) const;

  // kInvalidArgument that starts with this value's path.
  std::unexpected<Status> fail(std::string_view message) const;
  const std::string& path() const { return m_path; }
  // Canonical text of the value (minified).
  std::string to_text() const;

 private:
  friend class JsonDocument;
  using Element = std::array<uint64_t, 2>;  // the bits of a simdjson::dom::element
  JsonValue(Element element, std::string path) : m_element(element), m_path(std::move(path)) {}
  std::unexpected<Status> wrong_type(std::string_view expected) const;
  std::unexpected<Status> out_of_range(const std::string& value, int64_t lowest, int64_t highest) const;

  Element m_element;
  std::string m_path;  // "config.json: hidden_size"
};

class JsonDocument {
 public:
  static constexpr size_t kMaxDepth = 64;

  // Parses text. origin ("config.json", "request body") starts every message. kInvalidArgument on bad JSON, invalid
  // UTF-8 or nesting deeper than kMaxDepth. Whole numbers past 64 bits are kept as doubles.
  static Result<JsonDocument> parse(std::string_view text, std::string_view origin);

  JsonValue root() const& { return JsonValue(m_root, m_origin); }
  JsonValue root() const&& = delete;  // the value would outlive the document

 private:
  JsonDocument() = default;
  std::shared_ptr<const void> m_parser;  // a simdjson::dom::parser
  JsonValue::Element m_root{};
  std::string m_origin;
};

}  // namespace vivace
