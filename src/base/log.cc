#include "base/log.h"

#include <memory>
#include <string>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "base/json_writer.h"

namespace vivace {
namespace {

// One for the life of the process: the macros of every thread use it without a lock, so it must never be replaced.
spdlog::logger& process_logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    spdlog::set_default_logger(made);
    return made;
  }();
  return *logger;
}

// One JSON object a line, so that any text in a message stays valid JSON.
class JsonLogFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto since_epoch = message.time.time_since_epoch();
    JsonWriter json;
    json.begin_object();
    json.key("time").value(std::chrono::duration<double>(since_epoch).count());
    const auto level = spdlog::level::to_string_view(message.level);
    json.key("level").value(std::string_view(level.data(), level.size()));
    json.key("message").value(std::string_view(message.payload.data(), message.payload.size()));
    json.end_object();
    const std::string line = json.take();
    out.append(line.data(), line.data() + line.size());
    out.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonLogFormatter>(); }
};

}  // namespace

Result<void> configure_log(std::string_view level, LogFormat format) {
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") {
    return error(StatusCode::kInvalidArgument,
                 "log level '" + std::string(level) + "' is unknown; use trace, debug, info, warning, error or off");
  }
  spdlog::logger& logger = process_logger();
  if (format == LogFormat::kJson) {
    logger.set_formatter(std::make_unique<JsonLogFormatter>());
  } else {
    logger.set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  }
  logger.set_level(parsed);
  return {};
}

}  // namespace vivace
