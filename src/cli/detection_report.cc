#include "cli/detection_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "apps/detection/detection_labels.h"
#include "apps/detection/words.h"
#include "cli/detection_page.h"

namespace vivace {
namespace {

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped.push_back(c);
    }
  }
  return escaped;
}

std::string_view in_words(std::string_view classification) {
  if (classification == "ai_generated") return "AI-generated";
  return classification == "human_written" ? "human-written" : "mixed";
}

std::string row(std::string_view name, std::string_view value) {
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", name, escape(value));
}

// Fills "{{name}}" in the page; what was filled in is not looked at again.
std::string fill(std::string_view page, std::span<const std::pair<std::string_view, std::string>> values) {
  std::string filled;
  for (size_t at = page.find("{{"); at != std::string_view::npos; at = page.find("{{")) {
    const size_t end = page.find("}}", at);
    const auto value =
        std::ranges::find(values, page.substr(at + 2, end - at - 2), [](const auto& entry) { return entry.first; });
    filled.append(page.substr(0, at));
    if (value != values.end()) filled.append(value->second);
    page.remove_prefix(end + 2);
  }
  return filled.append(page);
}

}  // namespace

void DetectionReport::add(std::string_view text, const SentenceScore& score) {
  m_body += "<p class=\"text\">";
  const char* written = text.data();
  const std::vector<std::string_view> words = split_words(text);
  for (size_t i = 0; i < words.size(); ++i) {
    const double probability = score.probabilities[i];
    m_body += escape({written, static_cast<size_t>(words[i].data() - written)});
    m_body += fmt::format("<span class=\"p{}\" title=\"{:.4f}\">{}</span>",
                          std::min(9, static_cast<int>(probability * 10)), probability, escape(words[i]));
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
      {{"title", escape(title)}, {"summary", std::move(summary)}, {"text", m_body}}};
  return fill(kDetectionPage, values);
}

}  // namespace vivace
