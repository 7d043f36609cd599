// Log lines to standard error; standard output belongs to results. Thread-safe.
//   log_info("model {} ready in {:.1f} ms", name, ms);
#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

#include "base/status.h"

namespace vivace {

enum class LogFormat { kText, kJson };

// Sets how log lines are written, first before there are other threads, later at any time. level: trace, debug, info,
// warning, error or off.
Result<void> configure_log(std::string_view level, LogFormat format);

template <typename... Args>
void log_debug(spdlog::format_string_t<Args...> format, Args&&... args) {
  spdlog::debug(format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(spdlog::format_string_t<Args...> format, Args&&... args) {
  spdlog::info(format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warning(spdlog::format_string_t<Args...> format, Args&&... args) {
  spdlog::warn(format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(spdlog::format_string_t<Args...> format, Args&&... args) {
  spdlog::error(format, std::forward<Args>(args)...);
}

}  // namespace vivace
