#include "base/json_writer.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace vivace {
namespace {

template <typename Number>
void append_number(Number number, std::string* out) {
  char buffer[40];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, number);
  out->append(buffer, end);
}

template <typename Number>
void append_finite(Number number, std::string* out) {
  if (std::isfinite(number)) {
    append_number(number, out);
  } else {
    out->append("null");
  }
}

void append_escaped(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  size_t clean = 0;  // start of the run that needs no escape
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out->append(text, clean, i - clean);
    clean = i + 1;
    switch (c) {
      case '"': out->append("\\\""); break;
      case '\\': out->append("\\\\"); break;
      case '\n': out->append("\\n"); break;
      case '\r': out->append("\\r"); break;
      case '\t': out->append("\\t"); break;
      default: out->append({'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]});
    }
  }
  out->append(text, clean, text.size() - clean);
}

template <typename Number, typename Append>
void append_list(std::span<const Number> numbers, std::string* out, Append append) {
  out->push_back('[');
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i != 0) out->push_back(',');
    append(numbers[i], out);
  }
  out->push_back(']');
}

}  // namespace

void JsonWriter::before_value() {
  // At the top there is one value, in an object each value has its key.
  CHECK(m_open.empty() ? !m_needs_comma : m_open.back() == '[' || m_after_key);
  if (m_needs_comma && !m_after_key) m_text.push_back(',');
  m_needs_comma = true;
  m_after_key = false;
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  m_text.push_back('{');
  m_open.push_back('{');
  m_needs_comma = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  CHECK(!m_open.empty() && m_open.back() == '{' && !m_after_key);
  m_open.pop_back();
  m_text.push_back('}');
  m_needs_comma = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  before_value();
  m_text.push_back('[');
  m_open.push_back('[');
  m_needs_comma = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  CHECK(!m_open.empty() && m_open.back() == '[');
  m_open.pop_back();
  m_text.push_back(']');
  m_needs_comma = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  CHECK(!m_open.empty() && m_open.back() == '{' && !m_after_key);
  if (m_needs_comma) m_text.push_back(',');
  m_text.push_back('"');
  append_escaped(name, &m_text);
  m_text.append("\":");
  m_after_key = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  before_value();
  m_text.push_back('"');
  append_escaped(text, &m_text);
  m_text.push_back('"');
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  before_value();
  append_finite(number, &m_text);
  return *this;
}

JsonWriter& JsonWriter::value(float number) {
  before_value();
  append_finite(number, &m_text);
  return *this;
}

JsonWriter& JsonWriter::value(bool flag) {
  before_value();
  m_text.append(flag ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::value(int64_t number) {
  before_value();
  append_number(number, &m_text);
  return *this;
}

JsonWriter& JsonWriter::value(uint64_t number) {
  before_value();
  append_number(number, &m_text);
  return *this;
}

JsonWriter& JsonWriter::null() {
  before_value();
  m_text.append("null");
  return *this;
}

JsonWriter& JsonWriter::values(std::span<const float> numbers) {
  before_value();
  m_text.reserve(m_text.size() + numbers.size() * 14);
  append_list(numbers, &m_text, append_finite<float>);
  return *this;
}

JsonWriter& JsonWriter::values(std::span<const int32_t> numbers) {
  before_value();
  append_list(numbers, &m_text, append_number<int32_t>);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  before_value();
  m_text.append(json);
  return *this;
}

std::string JsonWriter::take() {
  CHECK(m_open.empty() && !m_after_key);
  m_needs_comma = false;
  return std::exchange(m_text, {});
}

}  // namespace vivace
