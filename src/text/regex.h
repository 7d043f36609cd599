// A regular expression of a tokenizer.json, matched by Oniguruma as the package does it. Immutable, thread-safe.
//
// Expressions come from files, so the steps of one search are bounded.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/status.h"

struct re_pattern_buffer;  // Oniguruma's regex_t

namespace vivace {

class Regex {
 public:
  struct Match {
    size_t begin = 0;
    size_t end = 0;
  };

  // origin (the JSON value's path) starts every message. kInvalidArgument when the expression is wrong.
  static Result<Regex> compile(std::string_view expression, std::string_view origin);

  // The leftmost match that begins at start or later, if any. kInvalidArgument when the search takes more steps than
  // are allowed.
  Result<std::optional<Match>> search(std::string_view text, size_t start) const;

 private:
  struct Free {
    void operator()(re_pattern_buffer* regex) const;
  };
  explicit Regex(re_pattern_buffer* regex) : m_regex(regex) {}

  std::unique_ptr<re_pattern_buffer, Free> m_regex;
};

}  // namespace vivace
