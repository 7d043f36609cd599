// C002_20: prompts and languages.
#include "apps/completion/prompt.h"

#include <gtest/gtest.h>

#include "base/recorded_testing.h"

namespace vivace {
namespace {

TEST(Prompt, C002_20_RecordedLanguagesAndPrompts) {
  const auto cases = read_recorded("tests/completion/data/language_prompt.jsonl");
  ASSERT_EQ(cases.size(), 60U);
  for (const JsonDocument& document : cases) {
    const JsonValue root = document.root();
    SCOPED_TRACE(root.to_text());
    const std::string code(root.get("code")->as_string().value());
    EXPECT_EQ(detect_language(code), root.get("detected_language")->as_string().value());
    const auto prompts = root.get("prompts")->as_object().value();
    EXPECT_EQ(prompts.size(), 5U);
    for (const auto& [name, prompt] : prompts) {
      EXPECT_EQ(make_prompt(code, parse_prompt_strategy(name).value()), prompt.as_string().value());
    }
  }
}

TEST(Prompt, UnknownStrategiesAreRefused) {
  const auto unknown = parse_prompt_strategy("poem");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(parse_prompt_strategy("task-prefix"), PromptStrategy::kTaskPrefix);
  EXPECT_EQ(prompt_strategy_name(PromptStrategy::kLanguageAware), "LANGUAGE_AWARE");
}

}  // namespace
}  // namespace vivace
