// SentencePiece's table of character replacements ("precompiled_charsmap"), applied as the package's `Precompiled`
// normaliser applies it. Immutable, thread-safe.
//
// The table: 4 bytes with the size of a trie, the trie (a darts-clone double array of 32-bit units, little-endian), and
// the replacements, each ended by a zero byte. Nothing in it is trusted: no lookup leaves it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace vivace {

// A stretch of a text in order, bytes [begin, end): kept as it is, or replaced as one unit.
struct PrecompiledPart {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool is_replaced = false;
  std::string_view replacement;  // points into the table; may be empty
  bool operator==(const PrecompiledPart&) const = default;
};

class Precompiled {
 public:
  // The normaliser's "precompiled_charsmap" (base64). kCorruptFile when it is no such table.
  static Result<Precompiled> read(const JsonValue& normalizer);
  // The table itself; origin starts the message.
  static Result<Precompiled> from_bytes(std::string_view table, std::string_view origin);

  // Appends the parts of a text (UTF-8, below 2 GiB); together they cover it. Grapheme clusters of less than 6 bytes
  // are looked up whole, and replaced whole by what the shortest entry says that they start with; otherwise code points
  // are.
  void split(std::string_view text, std::vector<PrecompiledPart>* parts) const;
  std::string normalize(std::string_view text) const;

 private:
  Precompiled() = default;
  std::optional<std::string_view> find(std::string_view chunk) const;
  void split_cluster(std::string_view text, size_t begin, size_t end, std::vector<PrecompiledPart>* parts) const;

  std::array<bool, 256> m_kept{};  // ASCII characters without entry
  std::vector<uint32_t> m_units;
  std::string m_replacements;
};

}  // namespace vivace
