// Points of time as ISO 8601 says them, in UTC with milliseconds.
#pragma once

#include <chrono>
#include <string>

namespace vivace {

std::string iso_time(std::chrono::system_clock::time_point time);  // "2026-01-31T12:00:00.250Z"

}  // namespace vivace
