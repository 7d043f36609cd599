// Tokens by id and ids by token: the model's vocabulary and the added tokens. Immutable, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vivace {

class Vocabulary {
 public:
  // tokens[i] is the token of id i; all of them differ.
  explicit Vocabulary(std::vector<std::string> tokens = {});

  size_t size() const { return m_tokens.size(); }
  // Empty for an id that is not in it.
  std::string_view token(int32_t id) const;
  std::optional<int32_t> id(std::string_view token) const;

 private:
  // Ids in a hash table with open addressing, at least half of it free: a heap node for each token would take longer
  // than all the rest of loading a vocabulary.
  static constexpr int32_t kFree = -1;
  // The place of a token in m_places, or the free one where it would stand.
  size_t find(std::string_view token) const;

  std::vector<std::string> m_tokens;
  std::vector<int32_t> m_places;
};

}  // namespace vivace
