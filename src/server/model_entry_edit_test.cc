#include "server/model_entry_edit.h"

#include <gtest/gtest.h>

namespace vivace {
namespace {

const std::vector<std::pair<std::string, std::string>> kKeys = {{"impact_gate_without_keywords", "0.7"},
                                                                {"impact_gate_with_keywords", "0.9"}};

std::string edited(const std::string& yaml, const std::vector<std::string>& models = {"a"}) {
  const auto text = with_model_keys(yaml, models, kKeys);
  return text ? *text : std::string(status_code_name(text.error().code));
}

TEST(ModelEntryEdit, DirectoryBecomesAMap) {
  EXPECT_EQ(edited("# mine\nmodels:\n  a: /m/a  # best\n  b: /m/b\nport: 80\n"),
            "# mine\nmodels:\n  a: {directory: \"/m/a\", impact_gate_without_keywords: 0.7, impact_gate_with_keywords: "
            "0.9}  # best\n  b: /m/b\nport: 80\n");
  EXPECT_EQ(edited("models: {\"b\": '/b', \"a\": \"/a\"}"),
            "models: {\"b\": '/b', \"a\": {directory: \"/a\", impact_gate_without_keywords: 0.7, "
            "impact_gate_with_keywords: 0.9}}");
}

TEST(ModelEntryEdit, KeysOfAMapAreReplacedOrAdded) {
  EXPECT_EQ(edited("models:\n  a:\n    directory: /a  # x\n    impact_gate_with_keywords: 0.1  # old\n"),
            "models:\n  a:\n    directory: /a  # x\n    impact_gate_without_keywords: 0.7\n"
            "    impact_gate_with_keywords: 0.9  # old\n");
  EXPECT_EQ(edited("models:\n  a:\n    directory: /a"),
            "models:\n  a:\n    directory: /a\n    impact_gate_without_keywords: 0.7\n"
            "    impact_gate_with_keywords: 0.9");
  EXPECT_EQ(edited("models: {a: {directory: /a}}\n"),
            "models: {a: {directory: /a, impact_gate_without_keywords: 0.7, impact_gate_with_keywords: 0.9}}\n");
}

TEST(ModelEntryEdit, SeveralEntriesInOnePass) {
  const std::string map = "{directory: \"/m\", impact_gate_without_keywords: 0.7, impact_gate_with_keywords: 0.9}";
  EXPECT_EQ(edited("models:\n  a: /m\n  c: /c\n  b: /m\n", {"b", "a"}),
            "models:\n  a: " + map + "\n  c: /c\n  b: " + map + "\n");
}

TEST(ModelEntryEdit, UnusualEntriesAreLeftAlone) {
  EXPECT_EQ(edited("models:\n  b: /m\n"), "unsupported") << "no such model";
  EXPECT_EQ(edited("models:\n  a: \"/caf\\u00e9\"\n"), "unsupported") << "escapes";
  EXPECT_EQ(edited("\ufeffmodels:\n  a: /m\n"), "unsupported") << "a byte order mark";
  EXPECT_EQ(edited("models:\n  a: >-\n    /folded\n"), "unsupported");
}

}  // namespace
}  // namespace vivace
