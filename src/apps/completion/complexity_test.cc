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

// The case's answers, with its language or without.
void expect_recorded_case(const JsonValue& root, const std::string& language) {
  const std::string code(root.get("code")->as_string().value());
  // The original strips comments wrongly: where there are any, its answer to the code without them is the right one.
  const auto comment_free = root.find("comment_free");
  EXPECT_EQ(strip_comments(code, language), comment_free ? comment_free->get("code")->as_string().value() : code);
  const std::string kind(root.get("kind")->as_string().value());
  const Complexity result = analyze_complexity(code, language);
  if (const auto exception = kExceptions.find(kind); exception != kExceptions.end()) {
    EXPECT_DOUBLE_EQ(result.nesting, exception->second.nesting);
    EXPECT_DOUBLE_EQ(result.structure, exception->second.structure);
    return;
  }
  expect_recorded(result, comment_free ? comment_free->get("output").value() : root.get("output").value());
}

TEST(Complexity, C002_07_RecordedAnswers) {
  const auto cases = read_recorded("tests/completion/data/complexity.jsonl");
  ASSERT_EQ(cases.size(), 150U);
  size_t exceptions = 0;
  for (const JsonDocument& document : cases) {
    const JsonValue root = document.root();
    SCOPED_TRACE(root.to_text());
    exceptions += kExceptions.contains(std::string(root.get("kind")->as_string().value())) ? 1 : 0;
    expect_recorded_case(root, std::string(root.get("language")->as_string().value()));
  }
  EXPECT_EQ(exceptions, kExceptions.size());
}

TEST(Complexity, C002_07_RecordedAnswersNeedNoLanguage) {
  for (const JsonDocument& document : read_recorded("tests/completion/data/complexity.jsonl")) {
    const JsonValue root = document.root();
    SCOPED_TRACE(root.to_text());
    expect_recorded_case(root, "");
  }
}

TEST(Complexity, C002_09_RecordedModelIsTheDefaultChoice) {
  for (const JsonDocument& document : read_recorded("tests/completion/data/complexity.jsonl")) {
    const JsonValue output = document.root().get("output").value();
    const auto choice = choose_model(part(output, "score"), default_completion_models(), {.budget_bytes = UINT64_MAX});
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->model, output.get("recommended_model")->as_string().value());
  }
}

TEST(Complexity, C002_07_OfLongCodeTheEndCounts) {
  const std::string hard = "async def f(a): await promise\nclass C(((((((\n";
  ASSERT_GT(analyze_complexity(hard, "").score, 0.3);
  std::string easy = "x = 1";
  while (easy.size() < kAnalyzedBytes) easy += '1';
  EXPECT_EQ(analyze_complexity(hard + easy, "").nesting, 0);
  EXPECT_EQ(analyze_complexity(easy + "\n" + hard, "").score, analyze_complexity(hard, "").score)
      << "the line that is cut is left out";
  easy = hard.substr(hard.find('\n') + 1) + easy.substr(0, kAnalyzedBytes - hard.size() + hard.find('\n') + 1);
  ASSERT_EQ(easy.size(), kAnalyzedBytes);
  EXPECT_EQ(analyze_complexity("\n" + easy, "").nesting, 1) << "a whole line at the limit is not";
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

TEST(Comments, NumbersAndRawLiteralsOpenNoString) {
  EXPECT_EQ(strip_comments("int n = 1'000; // y", "cpp"), "int n = 1'000; ");
  EXPECT_EQ(strip_comments("int n = 0xFF'FF'F; char c = '\"'; // y", "c++"), "int n = 0xFF'FF'F; char c = '\"'; ");
  EXPECT_EQ(strip_comments("s = R\"(a\"b)\"; // y", "cpp"), "s = R\"(a\"b)\"; ");
  EXPECT_EQ(strip_comments("s = u8R\"x(a)\" // no\n)x\"; // y", "cpp"), "s = u8R\"x(a)\" // no\n)x\"; ");
  EXPECT_EQ(strip_comments("let p = r\"C:\\\"; // y", "rust"), "let p = r\"C:\\\"; ");
  EXPECT_EQ(strip_comments("let p = br#\"a\"b // no\"#; // y", "rust"), "let p = br#\"a\"b // no\"#; ");
  EXPECT_EQ(strip_comments("var p = @\"C:\\\"; // y", "csharp"), "var p = @\"C:\\\"; ");
  EXPECT_EQ(strip_comments("var p = @$\"a\"\"// no\\\"; // y", "c#"), "var p = @$\"a\"\"// no\\\"; ");
  EXPECT_EQ(strip_comments("s = \"\"\"\n  http://a \" b\n  \"\"\"; // y", "java"),
            "s = \"\"\"\n  http://a \" b\n  \"\"\"; ");
}

TEST(Comments, RegularExpressionsAreNoQuotes) {
  EXPECT_EQ(strip_comments("s.replace(/[\"']/g, ''); // y", "javascript"), "s.replace(/[\"']/g, ''); ");
  EXPECT_EQ(strip_comments("x = /[/\\]]\"/ // y", "typescript"), "x = /[/\\]]\"/ ");
  EXPECT_EQ(strip_comments("return /'/.test(a) // y", "javascript"), "return /'/.test(a) ");
  EXPECT_EQ(strip_comments("n = a / b; // y/", "javascript"), "n = a / b; ");
  EXPECT_EQ(strip_comments("n = (a) / 2 // y/", "javascript"), "n = (a) / 2 ");
  EXPECT_EQ(strip_comments("return <b>x</b>; // y", "javascript"), "return <b>x</b>; ");
}

TEST(Comments, RegularExpressionsMayBeLong) {
  const std::string regex = "/" + std::string(5000, 'a') + "\"/";
  EXPECT_EQ(strip_comments("x = " + regex + " // y", "javascript"), "x = " + regex + " ");
  EXPECT_EQ(strip_comments("x = /[\ny = /\"/ // y", "javascript"), "x = /[\ny = /\"/ ") << "the next line is another";
  EXPECT_EQ(strip_comments("x = /\\\ny = /\"/ // y", "javascript"), "x = /\\\ny = /\"/ ");
}

// Were each of them followed to the end again, this would take minutes.
TEST(Comments, SlashesThatCloseNothingAreFollowedOnce) {
  std::string code;
  for (int i = 0; i < 500'000; ++i) code += "/[";
  EXPECT_EQ(strip_comments(code, ""), code);
}

TEST(Comments, OfPhpAndRuby) {
  EXPECT_EQ(strip_comments("$a = '#'; # y\n#[Attribute]\n$b = 1; // y", "php"), "$a = '#'; \n#[Attribute]\n$b = 1; ");
  EXPECT_EQ(strip_comments("a = 1\n=begin\n=end of it's\n=endless\nb = \"#{a}\" # y", "ruby"),
            "a = 1\n\n=endless\nb = \"#{a}\" ");
  EXPECT_EQ(strip_comments("a\n=begin x", "ruby"), "a\n");
}

TEST(Comments, UnknownLanguagesAreGuessed) {
  EXPECT_EQ(strip_comments("def f(): # x\n  pass", ""), "def f(): \n  pass");
  EXPECT_EQ(strip_comments("#include <a>\nint x; // y", "unknown"), "#include <a>\nint x; ");
  EXPECT_EQ(strip_comments("x = 1 # note", "unknown"), "x = 1 ");
  EXPECT_EQ(strip_comments("print(1) // y", ""), "print(1) ") << "no Python, whatever the call's name";
  EXPECT_EQ(strip_comments("if a:  # y\n  b = a // 2", ""), "if a:  \n  b = a // 2") << "a division";
}

TEST(Comments, AnyTextHasAnEnd) {
  for (const std::string start :
       {"/*",       "\"",  "'",    "\"\"\"", "'''",  "`",   "#",  "\\",  "/* \"", "\"\\",   "'\\",
        "\"\"\"\\", "R\"", "R\"(", "r#",     "r#\"", "@\"", "/[", "/\\", "1'",    "=begin", "#["}) {
    for (const char* language : {"python", "rust", "java", "javascript", "cpp", "csharp", "php", "ruby", ""}) {
      EXPECT_LE(strip_comments(start, language).size(), start.size());
      EXPECT_LE(strip_comments("x" + start + "\xFF\n", language).size(), start.size() + 3);
    }
  }
}

}  // namespace
}  // namespace vivace
