// Profiles of models for people, machines and browsers: text, one JSON object, an HTML page of its own.
#pragma once

#include <span>
#include <string>

#include "cli/model_profile.h"

namespace vivace {

// KEEP_CPU, or EVALUATE_GPU when some model is compute-bound.
std::string_view overall_recommendation(std::span<const ModelProfile> profiles);

// "No model was profiled." for none.
std::string profile_text(std::span<const ModelProfile> profiles);
std::string profile_json(std::span<const ModelProfile> profiles);
std::string profile_html(std::span<const ModelProfile> profiles);

}  // namespace vivace
