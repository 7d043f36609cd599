#include "engine/sample_texts.h"

#include "base/check.h"

namespace vivace {
namespace {

constexpr const char* kTexts[] = {
    "The harbour was empty before the storm reached the coast.",
    "How do I reset the password of my account?",
    "Quarterly revenue rose by 14 percent, driven by subscriptions.",
    "def read_lines(path):\n    with open(path) as file:\n        return file.read().splitlines()",
    "She has played the cello since she was six years old.",
    "Water boils at a lower temperature on high mountains.",
    "The committee rejected the proposal without a debate.",
    "I would never buy this phone again; the battery lasts three hours.",
    "An excellent little restaurant, friendly and not expensive.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "Der Zug nach Hamburg fährt heute von Gleis sieben.",
    "La bibliothèque est fermée le lundi matin.",
    "Error 504: the upstream server did not answer in time.",
    "Two goals in the last five minutes decided the match.",
    "Please send the signed contract to our office in Lisbon by Friday.",
    "The vaccine reduced hospital admissions in both age groups.",
    "for (int i = 0; i < n; ++i) sum += values[i];",
    "Whales sleep with one half of the brain at a time.",
    "Our flight was delayed twice and then cancelled, and nobody told us why until we had waited for six hours.",
    "Rome was founded, according to legend, in 753 BC.",
    "No.",
    "Interest rates are expected to stay where they are until inflation falls below two percent.",
    "Add the flour slowly, stirring all the time, and let the dough rest for an hour.",
    "SELECT name, COUNT(*) FROM orders GROUP BY name HAVING COUNT(*) > 3;",
};

}  // namespace

std::vector<std::string> sample_texts() {
  return {std::begin(kTexts), std::end(kTexts)};
}

std::vector<std::string> different_texts(const std::vector<std::string>& texts, size_t count) {
  CHECK(!texts.empty());
  std::vector<std::string> made;
  made.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t round = i / texts.size();
    made.push_back(texts[i % texts.size()] + (round == 0 ? "" : " " + std::to_string(round)));
  }
  return made;
}

}  // namespace vivace
