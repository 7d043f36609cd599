// Guesses what a sequence goes on with from what stood behind the same tokens before, in its source or in itself: code
// repeats itself. A guess costs nothing but rows of the next decoder step, which checks it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vivace {

class NgramDrafter {
 public:
  static constexpr int kShortestMatch = 2;  // tokens that must have occurred before
  static constexpr int kLongestMatch = 8;   // longer matches are not told apart

  // source: tokens that the sequence may repeat, such as those of the text it is written for
  explicit NgramDrafter(std::span<const int32_t> source) : m_history(source.begin(), source.end()) {}

  // The sequence has one more token.
  void append(int32_t id) { m_history.push_back(id); }

  // At most `count` tokens that followed the longest match of the last tokens, the latest of several; empty without a
  // match. Valid until the next append(). Time grows with source and sequence.
  std::span<const int32_t> propose(int count) const;

 private:
  std::vector<int32_t> m_history;
};

}  // namespace vivace
