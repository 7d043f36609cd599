// C002_07: the complexity analyser.
#include "apps/completion/complexity.h"

#include <map>

#include <gtest/gtest.h>

#include "apps/completion/comments.h"
#include "apps/completion/model_choice.h"
#include "base/recorded_testing.h"

namespace vivace {
namespace {

double part(const JsonValue& output, std::string_view key) {
  return output.get(key)->as_double().value();
}

void expect_recorded(const Complexity& result, const JsonValue& output) {
  EXPECT_DOUBLE_EQ(result.score, part(output, "score"));
  EXPECT_DOUBLE_EQ(result.lines, part(output, "lines"));
  EXPECT_DOUBLE_EQ(result.identifiers, part(output, "identifiers"));
  EXPECT_DOUBLE_EQ(result.nesting, part(output, "nesting"));
  EXPECT_DOUBLE_EQ(result.structure, part(output, "structure"));
  EXPECT_DOUBLE_EQ(result.keywords, part(output, "keywords"));
  EXPECT_EQ(result.reason, output.get("reason")->as_string().value());
}

// Where there is no comment but the original cuts at a mark in a string or at "#include", what is right by its own
// rules.
struct RightAnswer {
  double nesting = 0;
  double structure = 0;
};
const std::map<std::string, RightAnswer> kExceptions = {
    {"hash_in_string", {.nesting = 0.5, .structure = 0}},           // three levels of parentheses
    {"comment_marks_in_string", {.nesting = 0.5, .structure = 0}},  // brackets in strings count: { ( and g(
    {"include_last_line", {.nesting = 0, .structure = 3.0 / 23}},   // two imports and the word "if"
};

TEST(Complexity, C002_07_RecordedAnswers) {
  const auto cases = read_recorded("tests/completion/data/complexity.jsonl");
  ASSERT_EQ(cases.size(), 150U);
  size_t exceptions = 0;
  for (const JsonDocument& document : cases) {
    const JsonValue root = document.root();
    SCOPED_TRACE(root.to_text());
    const std::string code(root.get("code")->as_string().value());
    const std::string language(root.get("language")->as_string().value());
    // The original strips comments wrongly: where there are any, its answer to the code without them is the right one.
    const auto comment_free = root.find("comment_free");
    if (comment_free) {
      EXPECT_EQ(strip_comments(code, language), comment_free->get("code")->as_string().value());
    } else {
      EXPECT_EQ(strip_comments(code, language), code);
    }
    const std::string kind(root.get("kind")->as_string().value());
    if (const auto exception = kExceptions.find(kind); exception != kExceptions.end()) {
      ++exceptions;
      EXPECT_DOUBLE_EQ(analyze_complexity(code, language).nesting, exception->second.nesting);
      EXPECT_DOUBLE_EQ(analyze_complexity(code, language).structure, exception->second.structure);
      continue;
    }
    expect_recorded(analyze_complexity(code, language),
                    comment_free ? comment_free->get("output").value() : root.get("output").value());
  }
  EXPECT_EQ(exceptions, kExceptions.size());
}

TEST(Complexity, C002_09_RecordedModelIsTheDefaultChoice) {
  for (const JsonDocument& document : read_recorded("tests/completion/data/complexity.jsonl")) {
    const JsonValue output = document.root().get("output").value();
    const auto choice = choose_model(part(output, "score"), default_completion_models(), {.budget_bytes = UINT64_MAX});
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->model, output.get("recommended_model")->as_string().value());
  }
}

TEST(Comments, MarksInLiteralsStay) {
  EXPECT_EQ(strip_comments("s = \"// no\"; // yes", "go"), "s = \"// no\"; ");
  EXPECT_EQ(strip_comments("s = '\\'//'; /* a\n b */ x", "java"), "s = '\\'//';  x");
  EXPECT_EQ(strip_comments("a // b # c", "python"), "a // b ");
  EXPECT_EQ(strip_comments("x = '#' # yes", "python"), "x = '#' ");
  EXPECT_EQ(strip_comments("const s = `// ${x}\n/* */`; // y", "javascript"), "const s = `// ${x}\n/* */`; ");
  EXPECT_EQ(strip_comments("fn f<'a>(x: &'a str) // y's\nlet c = '\"'; // z", "rust"),
            "fn f<'a>(x: &'a str) \nlet c = '\"'; ");
  EXPECT_EQ(strip_comments("/* a /* b */ c */ d", "rust"), " d");
  EXPECT_EQ(strip_comments("/* a /* b */ c", "java"), " c");
  EXPECT_EQ(strip_comments("x = \"\"\"text # no\"\"\" # yes", "python"), "x = \"\"\"text # no\"\"\" ");
  EXPECT_EQ(strip_comments("r\"\"\"doc \\\"\"\" on\"\"\"\nx", "python"), "r\nx");
}

TEST(Comments, UnknownLanguagesAreGuessed) {
  EXPECT_EQ(strip_comments("def f(): # x\n  pass", ""), "def f(): \n  pass");
  EXPECT_EQ(strip_comments("#include <a>\nint x; // y", "unknown"), "#include <a>\nint x; ");
  EXPECT_EQ(strip_comments("x = 1 # note", "unknown"), "x = 1 ");
}

TEST(Comments, AnyTextHasAnEnd) {
  for (const std::string start :
       {"/*", "\"", "'", "\"\"\"", "'''", "`", "#", "\\", "/* \"", "\"\\", "'\\", "\"\"\"\\"}) {
    for (const char* language : {"python", "rust", "java", "javascript", ""}) {
      EXPECT_LE(strip_comments(start, language).size(), start.size());
      EXPECT_LE(strip_comments("x" + start + "\xFF\n", language).size(), start.size() + 3);
    }
  }
}

}  // namespace
}  // namespace vivace
