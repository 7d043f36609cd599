// Which logits of a classifier mean entailment, neutral and contradiction: by the labels' names, whatever their order
// and case.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/loaded_model.h"

namespace vivace {

struct EntailmentLabels {
  size_t entailment = 0;
  std::optional<size_t> neutral;
  std::optional<size_t> contradiction;
  std::optional<size_t> not_entailment;  // of models that know no more than two labels

  // The canonical names of those that the model has, in this order, with their numbers.
  std::vector<std::pair<std::string, size_t>> named() const;
};

// kUnsupported, listing the labels, when there is no label "entailment" or one that is none of these.
Result<EntailmentLabels> find_entailment_labels(std::span<const std::string> labels);
// kUnsupported also when the model gives no logits of a text.
Result<EntailmentLabels> find_entailment_labels(const LoadedModel& model);

}  // namespace vivace
