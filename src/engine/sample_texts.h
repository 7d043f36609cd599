// Texts to measure on when the user names none: short and long ones, questions, code, several languages.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace vivace {

// All of them.
std::vector<std::string> sample_texts();

// `count` different texts, made of the given ones (at least one) in turn; the second time round they are numbered.
std::vector<std::string> different_texts(const std::vector<std::string>& texts, size_t count);

}  // namespace vivace
