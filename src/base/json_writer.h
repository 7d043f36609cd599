// Writes JSON text straight into a string. Numbers take the shortest form that reads back to the same value.
//   JsonWriter json;
//   json.begin_object().key("index").value(0).key("embedding").values(floats).end_object();
//   std::string text = json.take();
// Nesting and commas are kept by the writer; a key without a value or an unbalanced end is a CHECK failure.
// Not-a-number and infinities, which JSON does not know, are written as null.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vivace {

class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  // Text must be valid UTF-8.
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  JsonWriter& value(float number);
  JsonWriter& value(bool flag);
  JsonWriter& value(int number) { return value(static_cast<int64_t>(number)); }
  JsonWriter& value(int64_t number);
  JsonWriter& value(uint64_t number);
  JsonWriter& null();
  // [1.5,2,…]
  JsonWriter& values(std::span<const float> numbers);
  JsonWriter& values(std::span<const int32_t> numbers);
  // A value that is JSON text already.
  JsonWriter& raw(std::string_view json);

  // The finished text; the writer is empty again.
  std::string take();

 private:
  void before_value();
  std::string m_text;
  std::vector<char> m_open;    // '{' or '[' for each open level
  bool m_needs_comma = false;  // a value stands before the next one on this level
  bool m_after_key = false;
};

}  // namespace vivace
