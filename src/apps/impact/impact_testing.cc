#include "apps/impact/impact_testing.h"

#include <fstream>

#include "apps/impact/impact_json.h"
#include "base/check.h"

namespace vivace {

ScoreRequest request_of(std::string_view json) {
  const auto document = JsonDocument::parse(json, "test");
  CHECK(document);
  auto request = read_score_request(document->root(), {});
  CHECK(request);
  return *request;
}

ImpactAnalysis score_of(ImpactScorer& scorer, std::string_view json) {
  auto analysis = scorer.score(request_of(json));
  CHECK(analysis);
  return *analysis;
}

std::unique_ptr<ImpactScorer> keyword_scorer(ScoringConfig config) {
  auto scorer = ImpactScorer::make(std::move(config));
  CHECK(scorer);
  return std::move(*scorer);
}

std::vector<std::string> recorded_lines(const std::string& name) {
  std::ifstream file(std::string(VIVACE_SOURCE_DIR) + "/tests/impact/data/" + name);
  CHECK(file.is_open());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Result<std::vector<EmbeddedText>> letter_counts(const std::vector<std::string>& texts, const RequestLimits&) {
  std::vector<EmbeddedText> embedded;
  for (const std::string& text : texts) {
    std::vector<float> counts(26, 0.0F);
    for (const char c : text) {
      if (text != "zero" && c >= 'a' && c <= 'z') counts[static_cast<size_t>(c - 'a')] += 1;
    }
    embedded.push_back({.values = std::move(counts)});
  }
  return embedded;
}

}  // namespace vivace
