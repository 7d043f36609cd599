// Any bytes as JSON: reading must refuse them or answer every question about every value, and what JsonWriter makes of
// the values must read back as the same values.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace vivace {
namespace {

void ask_everything(const JsonValue& value) {
  (void)value.type_name();
  (void)value.as_bool();
  (void)value.as_double();
  (void)value.as_integer(0, 100);
  (void)value.find("a");
  (void)value.get("a");
  (void)value.string_or("a", "");
  (void)value.bool_or("a", false);
  (void)value.double_or("a", 0);
  (void)value.integer_or("a", 0, -5, 5);
  if (const auto text = value.as_string()) {
    CHECK(find_invalid_utf8(*text) == kValidUtf8);
    CHECK(find_invalid_utf8(printable(*text)) == kValidUtf8);
  }
}

// False where a value cannot be written again: an object with a key that occurs twice.
bool write_value(const JsonValue& value, JsonWriter* json) {
  ask_everything(value);
  if (value.is_object()) {
    const auto members = value.as_object();
    if (!members) return false;
    json->begin_object();
    for (const auto& [key, member] : *members) {
      json->key(key);
      if (!write_value(member, json)) return false;
    }
    json->end_object();
  } else if (value.is_array()) {
    json->begin_array();
    for (const JsonValue& item : *value.as_array()) {
      if (!write_value(item, json)) return false;
    }
    json->end_array();
  } else if (value.is_string()) {
    json->value(*value.as_string());
  } else if (value.is_bool()) {
    json->value(*value.as_bool());
  } else if (value.is_null()) {
    json->null();
  } else if (const auto integer = value.as_integer(INT64_MIN, INT64_MAX); integer) {
    json->value(*integer);
  } else {
    json->value(*value.as_double());
  }
  return true;
}

void check_same(const JsonValue& a, const JsonValue& b) {
  if (a.is_object()) {
    const auto left = *a.as_object();
    const auto right = *b.as_object();
    CHECK(left.size() == right.size());
    for (size_t i = 0; i < left.size(); ++i) {
      CHECK(left[i].first == right[i].first);
      check_same(left[i].second, right[i].second);
    }
  } else if (a.is_array()) {
    const auto left = *a.as_array();
    const auto right = *b.as_array();
    CHECK(left.size() == right.size());
    for (size_t i = 0; i < left.size(); ++i) check_same(left[i], right[i]);
  } else if (a.is_string()) {
    CHECK(*a.as_string() == *b.as_string());
  } else if (a.is_number()) {
    CHECK(*a.as_double() == *b.as_double());
  } else {
    CHECK(a.type_name() == b.type_name());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto document = JsonDocument::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!document) {
    CHECK(find_invalid_utf8(document.error().message) == kValidUtf8);
    return 0;
  }
  JsonWriter json;
  if (!write_value(document->root(), &json)) return 0;
  const std::string text = json.take();
  const auto again = JsonDocument::parse(text, "again");
  CHECK(again.has_value());
  check_same(document->root(), again->root());
  return 0;
}

}  // namespace vivace
