#include "engine/entailment_labels.h"

#include <cctype>

namespace vivace {
namespace {

std::string lower(const std::string& label) {
  std::string text = label;
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::vector<std::pair<std::string, size_t>> EntailmentLabels::named() const {
  std::vector<std::pair<std::string, size_t>> names = {{"entailment", entailment}};
  if (neutral) names.emplace_back("neutral", *neutral);
  if (contradiction) names.emplace_back("contradiction", *contradiction);
  if (not_entailment) names.emplace_back("not_entailment", *not_entailment);
  return names;
}

Result<EntailmentLabels> find_entailment_labels(std::span<const std::string> labels) {
  EntailmentLabels found;
  std::optional<size_t> entailment;
  std::string all;
  bool all_known = true;
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string name = lower(labels[i]);
    all += (all.empty() ? "" : ", ") + labels[i];
    std::optional<size_t>* slot = name == "entailment"       ? &entailment
                                  : name == "neutral"        ? &found.neutral
                                  : name == "contradiction"  ? &found.contradiction
                                  : name == "not_entailment" ? &found.not_entailment
                                                             : nullptr;
    // "Entailment" beside "entailment" would be as unclear as a name of its own.
    all_known = all_known && slot != nullptr && !slot->has_value();
    if (slot != nullptr) *slot = i;
  }
  if (!entailment || !all_known || labels.size() < 2) {
    return error(StatusCode::kUnsupported,
                 "the model cannot judge entailment: its labels must be entailment, neutral and contradiction, or "
                 "entailment and not_entailment; they are " +
                     all);
  }
  found.entailment = *entailment;
  return found;
}

Result<EntailmentLabels> find_entailment_labels(const LoadedModel& model) {
  RETURN_IF_ERROR(require_output(model, ModelOutput::kSequenceLogits, "judge entailment"));
  return find_entailment_labels(model.task.labels);
}

}  // namespace vivace
