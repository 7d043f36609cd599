// Tokens by id and ids by token: the model's vocabulary and the added tokens. Immutable, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vivace {

class Vocabulary {
 public:
  Vocabulary() = default;
  // tokens[i] is the token of id i; all of them differ.
  explicit Vocabulary(std::vector<std::string> tokens);

  // The map's keys are views into the tokens: a copy's would point into the original.
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  size_t size() const { return m_tokens.size(); }
  // Empty for an id that is not in it.
  std::string_view token(int32_t id) const;
  std::optional<int32_t> id(std::string_view token) const;

 private:
  std::vector<std::string> m_tokens;
  std::unordered_map<std::string_view, int32_t> m_ids;
};

}  // namespace vivace
