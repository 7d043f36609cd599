// A page of its own that shows texts with each word shaded by its probability; for browsers, mail and print.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "apps/detection/detector.h"

namespace vivace {

class DetectionReport {
 public:
  void add(std::string_view text, const SentenceScore& score);

  // The finished page. title: what was read; model: its version.
  std::string page(std::string_view title, std::string_view model) const;

 private:
  std::string m_body;
  double m_sum = 0;
  size_t m_words = 0;
  size_t m_texts = 0;
  size_t m_truncated_words = 0;
};

}  // namespace vivace
