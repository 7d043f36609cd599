#include "base/log.h"

#include <string>

#include <gtest/gtest.h>

#include "base/json.h"

namespace vivace {
namespace {

class LogTest : public testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(configure_log("info", LogFormat::kText)); }
};

TEST_F(LogTest, JsonLinesHoldAnyText) {
  testing::internal::CaptureStderr();
  ASSERT_TRUE(configure_log("info", LogFormat::kJson));
  log_info("a \"quoted\" {}\nline", 7);
  log_debug("too quiet");
  const std::string text = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(text.ends_with('\n'));
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
  const auto document = JsonDocument::parse(text, "log");
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->root().get("message")->as_string(), "a \"quoted\" 7\nline");
  EXPECT_EQ(document->root().get("level")->as_string(), "info");
  EXPECT_GT(*document->root().get("time")->as_double(), 1.7e9);
}

TEST_F(LogTest, LevelsAreKnownByName) {
  for (const char* level : {"trace", "debug", "info", "warning", "error", "off"}) {
    EXPECT_TRUE(configure_log(level, LogFormat::kText)) << level;
  }
  EXPECT_EQ(configure_log("loud", LogFormat::kText).error(),
            (Status{StatusCode::kInvalidArgument,
                    "log level 'loud' is unknown; use trace, debug, info, warning, error or off"}));
}

}  // namespace
}  // namespace vivace
