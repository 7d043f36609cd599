// From logits to scores.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/request.h"
#include "formats/task_config.h"

namespace vivace {

// Computed in double precision from the largest logit down, so that nothing overflows.
std::vector<float> activate(std::span<const float> logits, ScoreActivation activation);

// The best top_k (0: all) of the labels with their scores; equal scores keep the labels' order.
std::vector<LabelScore> best_labels(const std::vector<std::string>& labels, std::span<const float> scores,
                                    size_t top_k);

}  // namespace vivace
