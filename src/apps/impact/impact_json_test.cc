#include "apps/impact/impact_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/impact/impact_testing.h"

namespace vivace {
namespace {

using testing::HasSubstr;

std::string text_of(std::string_view json, const std::vector<std::string>& fields = {}) {
  const auto document = JsonDocument::parse(json, "test");
  return extract_text(*read_message(document->root(), fields));
}

std::string problem_of(std::string_view json) {
  const auto document = JsonDocument::parse(json, "test");
  const auto request = read_score_request(document->root(), {});
  return request ? "" : request.error().message;
}

TEST(ImpactJson, TextComesFromContentAndPayload) {
  EXPECT_EQ(text_of(R"({"content":"Alpha"})"), "Alpha");
  EXPECT_EQ(text_of(R"({"content":{"text":"Alpha","other":"no"}})"), "Alpha");
  EXPECT_EQ(text_of(R"({"content":"Alpha","payload":{"message":"Beta"}})"), "Alpha Beta");
  EXPECT_EQ(text_of(R"({"payload":{"message":"Beta"}})"), " Beta");
  EXPECT_EQ(text_of(R"({"content":"Alpha","subject":"no"})"), "Alpha");
  EXPECT_EQ(text_of(R"({"content":"Alpha","subject":"yes"})", {"subject", "title"}), "Alpha yes");
  EXPECT_EQ(text_of(R"({"content":{"a":1}})"), R"({"a":1})");
  EXPECT_EQ(text_of(R"({"content":{"text":null}})"), "");
  EXPECT_EQ(text_of(R"({"content":12})"), "12");
}

TEST(ImpactJson, NormalizedTextIsLowerAndTrimmed) {
  EXPECT_EQ(normalize_text("  \t\u3000RisK Ünï\u00a0\n"), "risk ünï");
  EXPECT_EQ(normalize_text("\u212A"), "k") << "the Kelvin sign";
  EXPECT_EQ(normalize_text(" \u2003 "), "");
}

TEST(ImpactJson, BothFormsOfALine) {
  EXPECT_EQ(request_of(R"({"message":{"content":"a"},"context":null})").message.content, "a");
  EXPECT_EQ(request_of(R"({"message":{"content":"a"},"context":{"agent_id":"z"}})").context.agent_id, "z");
  EXPECT_EQ(request_of(R"({"content":"a","message":"not ours"})").message.content, "a");
}

TEST(ImpactJson, ContextBesideTheTextOfAMessage) {
  const ScoreRequest request = request_of(R"({"content":"a","priority":"low","context":{"priority":"critical"}})");
  EXPECT_EQ(request.message.content, "a");
  EXPECT_EQ(request.context.priority, "critical");
  EXPECT_EQ(score_of(*keyword_scorer(), R"({"payload":{},"context":{"semantic_override":1}})").score, 0.8);
  EXPECT_THAT(problem_of(R"({"content":"a","context":{"tools":3}})"), HasSubstr("context.tools: expected an array"));
}

// No message beside a context is an empty one; nothing of the context is lost.
TEST(ImpactJson, ContextWithoutMessage) {
  for (const char* json :
       {R"({"message":null,"context":{"priority":"critical"}})", R"({"context":{"priority":"critical"}})"}) {
    const ScoreRequest request = request_of(json);
    EXPECT_TRUE(request.message.empty) << json;
    EXPECT_EQ(request.context.priority, "critical") << json;
    EXPECT_EQ(score_of(*keyword_scorer(), json).score, 0.9) << json;
  }
  EXPECT_EQ(request_of(R"({"priority":"low","context":{"agent_id":"a"}})").message.priority, "low");
  EXPECT_EQ(request_of(R"({"priority":"low","context":{"agent_id":"a"}})").context.agent_id, "a");
  for (const char* json : {R"({"message":null})", R"({"message":null,"context":null})", R"({"context":{}})", "{}"}) {
    EXPECT_EQ(score_of(*keyword_scorer(), json).score, 0.1) << json << ": nothing to score";
  }
}

TEST(ImpactJson, MessageThatIsNoObjectIsAnError) {
  EXPECT_THAT(problem_of(R"({"message":"breach of security"})"),
              HasSubstr("message: expected an object, found a string"));
  EXPECT_THAT(problem_of(R"({"message":[],"context":{}})"), HasSubstr("message: expected an object, found an array"));
  EXPECT_THAT(problem_of(R"({"context":"yesterday"})"), HasSubstr("context: expected an object"));
  EXPECT_EQ(problem_of(R"({"message":"not ours","context":"nor this","content":"text"})"), "");
  EXPECT_EQ(problem_of(R"({"message":"not ours","payload":null})"), "");
  const auto document = JsonDocument::parse(R"({"message":"breach"})", "test");
  EXPECT_EQ(extract_text(read_score_request(document->root(), {"message"})->message), " breach");
}

TEST(ImpactJson, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(problem_of("[]"), HasSubstr("expected an object, found an array"));
  EXPECT_THAT(problem_of(R"({"tools":"read"})"), HasSubstr("tools: expected an array, found a string"));
  EXPECT_THAT(problem_of(R"({"message":{},"context":3})"), HasSubstr("context: expected an object"));
  EXPECT_THAT(problem_of(R"({"message":{},"context":{"semantic_override":"high"}})"),
              HasSubstr("context.semantic_override: expected a number"));
  EXPECT_THAT(problem_of(R"({"message":{},"context":{"semantic_override":1.5}})"),
              HasSubstr("is 1.5, expected 0 to 1"));
}

TEST(ImpactJson, LimitsAtTheEdgeAndPastIt) {
  const auto with_agent = [](size_t bytes) { return R"({"from_agent":")" + std::string(bytes, 'a') + "\"}"; };
  EXPECT_EQ(problem_of(with_agent(kMaxNameBytes)), "");
  EXPECT_THAT(problem_of(with_agent(kMaxNameBytes + 1)), HasSubstr("from_agent: has 1025 bytes"));
  const auto with_tools = [](size_t count) {
    std::string list = "\"t\"";
    for (size_t i = 1; i < count; ++i) list += ",\"t\"";
    return R"({"tools":[)" + list + "]}";
  };
  EXPECT_EQ(problem_of(with_tools(kMaxTools)), "");
  EXPECT_THAT(problem_of(with_tools(kMaxTools + 1)), HasSubstr("has 1001 items"));
}

TEST(ImpactJson, AnEmptyListOfToolsInTheContextWins) {
  const auto permission = [](const std::string& tools) {
    return score_of(*keyword_scorer(), R"({"message":{"tools":["execute"]},"context":{"agent_id":"a")" + tools + "}}")
        .factors.permission;
  };
  EXPECT_EQ(permission(R"(,"tools":["read"])"), 0.2);
  EXPECT_EQ(permission(R"(,"tools":[])"), 0.1);
  EXPECT_EQ(permission(R"(,"tools":null)"), 0.9) << "says nothing";
  EXPECT_EQ(permission(""), 0.9);
}

// A priority or type of any length is never an error; where it contains no known name it counts as unknown.
TEST(ImpactJson, LongPrioritiesAndTypesCount) {
  const std::string filler(2 * kMaxNameBytes, 'x');
  for (const char* form : {R"({"priority":"%","message_type":"%"})",
                           R"({"message":{},"context":{"priority":"%","message_type":["%"]}})"}) {
    const auto factors_with = [&](const std::string& text) {
      std::string json = form;
      for (size_t at = json.find('%'); at != std::string::npos; at = json.find('%')) json.replace(at, 1, text);
      return score_of(*keyword_scorer(), json).factors;
    };
    EXPECT_EQ(factors_with(filler).priority, 0.5) << form;
    EXPECT_EQ(factors_with(filler).type, 0.2) << form;
    EXPECT_EQ(factors_with(filler + "critical command").priority, 1) << form;
    EXPECT_EQ(factors_with(filler + "critical command").type, 0.4) << form;
  }
}

TEST(ImpactJson, AnalysisReadsBack) {
  JsonWriter json;
  json.begin_object();
  write_analysis(score_of(*keyword_scorer(), R"({"content":"a \"risk\""})"), &json);
  const std::string text = json.end_object().take();
  const auto document = JsonDocument::parse(text, "analysis");
  ASSERT_TRUE(document);
  EXPECT_NEAR(*document->root().get("score")->as_double(), 0.27, 1e-9);
  EXPECT_EQ(document->root().get("factors")->as_object()->size(), 7U);
  EXPECT_EQ(*document->root().get("backend")->as_string(), "keywords");
  EXPECT_EQ(*document->root().get("matched_keywords")->as_array()->at(0).as_string(), "risk");
}

}  // namespace
}  // namespace vivace
