// Which of a detector's labels means "written by a machine", and what an average says about a text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace vivace {

// The index of `wanted`, or without it of the label that says so by its name; of two labels without telling names
// (LABEL_0, LABEL_1) the second. kUnsupported, with the labels, when that leaves it open.
Result<size_t> find_ai_label(const std::vector<std::string>& labels, std::string_view wanted);

inline constexpr double kAiGenerated = 0.6;   // averages from here on
inline constexpr double kHumanWritten = 0.4;  // averages up to here

// "ai_generated", "human_written" or "mixed".
std::string_view classify_average(double average_probability);

}  // namespace vivace
