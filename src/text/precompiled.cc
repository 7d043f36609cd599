#include "text/precompiled.h"

#include <cstring>

#include "base/utf8.h"
#include "text/base64.h"
#include "text/grapheme.h"

namespace vivace {
namespace {

constexpr size_t kClusterLimit = 6;  // bytes

std::unexpected<Status> corrupt(std::string_view origin, const std::string& message) {
  return error(StatusCode::kCorruptFile, std::string(origin) + ": " + message);
}

uint32_t read_unit(std::string_view bytes, size_t position) {
  uint32_t unit = 0;
  for (size_t i = 4; i-- > 0;) unit = (unit << 8U) | static_cast<uint8_t>(bytes[position + i]);
  return unit;
}

// The fields of a darts-clone unit.
bool has_leaf(uint32_t unit) {
  return ((unit >> 8U) & 1U) != 0;
}
uint32_t leaf_value(uint32_t unit) {
  return unit & 0x7FFFFFFFU;
}
uint32_t label(uint32_t unit) {
  return unit & 0x800000FFU;
}
uint32_t child_offset(uint32_t unit) {
  return (unit >> 10U) << ((unit & 0x200U) >> 6U);
}

void keep(size_t begin, size_t end, std::vector<PrecompiledPart>* parts) {
  if (!parts->empty() && !parts->back().is_replaced && parts->back().end == begin) {
    parts->back().end = static_cast<uint32_t>(end);
    return;
  }
  parts->push_back({.begin = static_cast<uint32_t>(begin),
                    .end = static_cast<uint32_t>(end),
                    .is_replaced = false,
                    .replacement = {}});
}

void replace(size_t begin, size_t end, std::string_view replacement, std::vector<PrecompiledPart>* parts) {
  parts->push_back({.begin = static_cast<uint32_t>(begin),
                    .end = static_cast<uint32_t>(end),
                    .is_replaced = true,
                    .replacement = replacement});
}

}  // namespace

Result<Precompiled> Precompiled::read(const JsonValue& normalizer) {
  ASSIGN_OR_RETURN(const JsonValue value, normalizer.get("precompiled_charsmap"));
  ASSIGN_OR_RETURN(const std::string_view encoded, value.as_string());
  const std::optional<std::string> table = decode_base64(encoded);
  if (!table) return corrupt(value.path(), "is not base64");
  return from_bytes(*table, value.path());
}

Result<Precompiled> Precompiled::from_bytes(std::string_view table, std::string_view origin) {
  if (table.size() < 4) return corrupt(origin, "the table has no size");
  const size_t unit_count = read_unit(table, 0) / 4;
  if (unit_count == 0 || unit_count > (table.size() - 4) / 4) {
    return corrupt(origin, "the table says that its trie has " + std::to_string(unit_count) +
                               " units, but there is room for " + std::to_string((table.size() - 4) / 4));
  }
  Precompiled precompiled;
  precompiled.m_units.resize(unit_count);
  for (size_t i = 0; i < unit_count; ++i) precompiled.m_units[i] = read_unit(table, 4 + 4 * i);
  precompiled.m_replacements = table.substr(4 + 4 * unit_count);
  if (find_invalid_utf8(precompiled.m_replacements) != kValidUtf8) {
    return corrupt(origin, "the table's replacements are not UTF-8");
  }
  // A carriage return may begin a cluster of two ASCII characters, any other is one by itself before another of them.
  for (uint8_t byte = 1; byte < 0x80; ++byte) {
    const char c = static_cast<char>(byte);
    precompiled.m_kept[byte] = c != '\r' && !precompiled.find({&c, 1});
  }
  return precompiled;
}

// What the shortest entry says that chunk starts with; nullopt when there is none, or when the table is broken there.
std::optional<std::string_view> Precompiled::find(std::string_view chunk) const {
  uint32_t node = child_offset(m_units[0]);
  for (const char c : chunk) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if (byte == 0) return std::nullopt;
    node ^= byte;
    if (node >= m_units.size() || label(m_units[node]) != byte) return std::nullopt;
    const uint32_t unit = m_units[node];
    node ^= child_offset(unit);
    if (!has_leaf(unit)) continue;
    if (node >= m_units.size()) return std::nullopt;
    const size_t begin = leaf_value(m_units[node]);
    if (begin > m_replacements.size()) return std::nullopt;
    if (begin < m_replacements.size() && (static_cast<uint8_t>(m_replacements[begin]) & 0xC0U) == 0x80U)
      return std::nullopt;
    const size_t end = m_replacements.find('\0', begin);
    return std::string_view(m_replacements).substr(begin, end == std::string::npos ? end : end - begin);
  }
  return std::nullopt;
}

void Precompiled::split_cluster(std::string_view text, size_t begin, size_t end,
                                std::vector<PrecompiledPart>* parts) const {
  if (end - begin < kClusterLimit) {
    if (const auto replacement = find(text.substr(begin, end - begin))) return replace(begin, end, *replacement, parts);
  }
  for (size_t next = begin; begin < end; begin = next) {
    next_code_point(text, &next);
    if (const auto replacement = find(text.substr(begin, next - begin))) {
      replace(begin, next, *replacement, parts);
    } else {
      keep(begin, next, parts);
    }
  }
}

void Precompiled::split(std::string_view text, std::vector<PrecompiledPart>* parts) const {
  for (size_t begin = 0; begin < text.size();) {
    const size_t kept = begin;
    while (begin < text.size() && m_kept[static_cast<uint8_t>(text[begin])] &&
           (begin + 1 == text.size() || static_cast<uint8_t>(text[begin + 1]) < 0x80)) {
      ++begin;
    }
    if (begin > kept) keep(kept, begin, parts);
    if (begin == text.size()) return;
    const size_t end = grapheme_end(text, begin);
    split_cluster(text, begin, end, parts);
    begin = end;
  }
}

std::string Precompiled::normalize(std::string_view text) const {
  std::vector<PrecompiledPart> parts;
  split(text, &parts);
  std::string normal;
  for (const PrecompiledPart& part : parts) {
    normal += part.is_replaced ? part.replacement : text.substr(part.begin, part.end - part.begin);
  }
  return normal;
}

}  // namespace vivace
