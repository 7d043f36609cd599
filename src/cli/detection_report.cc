#include "cli/detection_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "apps/detection/detection_labels.h"
#include "apps/detection/words.h"
#include "cli/detection_page.h"
#include "cli/html_page.h"

namespace vivace {
namespace {

std::string_view in_words(std::string_view classification) {
  if (classification == "ai_generated") return "AI-generated";
  return classification == "human_written" ? "human-written" : "mixed";
}

std::string row(std::string_view name, std::string_view value) {
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", name, escape_html(value));
}

}  // namespace

void DetectionReport::add(std::string_view text, const SentenceScore& score) {
  m_body += "<p class=\"text\">";
  const char* written = text.data();
  const std::vector<std::string_view> words = split_words(text);
  for (size_t i = 0; i < words.size(); ++i) {
    const double probability = score.probabilities[i];
    m_body += escape_html({written, static_cast<size_t>(words[i].data() - written)});
    m_body += fmt::format("<span class=\"p{}\" title=\"{:.4f}\">{}</span>",
                          std::min(9, static_cast<int>(probability * 10)), probability, escape_html(words[i]));
    written = words[i].data() + words[i].size();
    m_sum += probability;
  }
  m_words += words.size();
  m_truncated_words += score.truncated_words;
  ++m_texts;
  m_body += fmt::format("</p>\n<p class=\"about\">average {:.4f}, {}</p>\n", score.average(),
                        in_words(classify_average(score.average())));
}

std::string DetectionReport::page(std::string_view title, std::string_view model) const {
  const double average = m_words == 0 ? 0 : m_sum / static_cast<double>(m_words);
  std::string summary =
      row("Average of all words", fmt::format("{:.4f}, {}", average, in_words(classify_average(average))));
  summary += row("Words", fmt::format("{} in {} text{}", m_words, m_texts, m_texts == 1 ? "" : "s"));
  if (m_truncated_words > 0)
    summary += row("Read in windows, past the model's limit", fmt::format("{} words", m_truncated_words));
  summary += row("Model", model);
  const std::array<std::pair<std::string_view, std::string>, 3> values = {
      {{"title", escape_html(title)}, {"summary", std::move(summary)}, {"text", m_body}}};
  return fill_page(kDetectionPage, values);
}

}  // namespace vivace
