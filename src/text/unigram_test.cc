#include "text/unigram.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/serde_number.h"
#include "text/word_level.h"

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Reader = Result<std::unique_ptr<const TokenModel>>(const JsonValue&, std::vector<std::string>*);

ModelToken token(int32_t id, uint32_t begin, uint32_t end) {
  return {.id = id, .begin = begin, .end = end};
}

std::vector<ModelToken> tokenize(Reader* reader, const std::string& json, std::string_view piece) {
  const JsonDocument document = JsonDocument::parse(json, "model").value();
  std::vector<std::string> vocabulary;
  const std::unique_ptr<const TokenModel> model = reader(document.root(), &vocabulary).value();
  std::vector<ModelToken> tokens;
  model->tokenize(piece, &tokens);
  return tokens;
}

std::string message(Reader* reader, const std::string& json) {
  const JsonDocument document = JsonDocument::parse(json, "model").value();
  std::vector<std::string> vocabulary;
  const auto model = reader(document.root(), &vocabulary);
  return model ? "accepted" : model.error().message;
}

std::string unigram(std::string_view vocab, std::string_view more = R"(,"unk_id":0)") {
  return std::string(R"({"type":"Unigram","vocab":[)").append(vocab).append("]").append(more) + "}";
}

// What the package gives for each.
TEST(Unigram, TakesTheBestPath) {
  const std::string json =
      unigram(R"(["<unk>",0],["a",0.0],["b",0],["c",0],["d",0],["cd",1],["ab",2],["abc",5],["abcd",10])");
  EXPECT_THAT(tokenize(read_unigram, json, "abcdacdxx"),
              ElementsAre(token(8, 0, 4), token(1, 4, 5), token(5, 5, 7), token(0, 7, 9)));
  EXPECT_THAT(tokenize(read_unigram, json, "éxa<unk>é"), ElementsAre(token(0, 0, 3), token(1, 3, 4), token(0, 4, 11)));
}

TEST(Unigram, OfEqualPathsTheLastTokenIsLongest) {
  EXPECT_THAT(tokenize(read_unigram, unigram(R"(["<unk>",0],["a",-1],["aa",-2])"), "aaa"),
              ElementsAre(token(1, 0, 1), token(2, 1, 3)));
}

TEST(Unigram, BytesForWhatIsUnknown) {
  const std::string vocab = R"(["<unk>",0],["a",-1],["<0xC3>",-2],["<0xA9>",-2],["<0xAA>",-2])";
  const std::string json = unigram(vocab, R"(,"unk_id":0,"byte_fallback":true)");
  EXPECT_THAT(tokenize(read_unigram, json, "aéê"),
              ElementsAre(token(1, 0, 1), token(2, 1, 5), token(3, 1, 5), token(2, 1, 5), token(4, 1, 5)));
  EXPECT_THAT(tokenize(read_unigram, json, "éxa"), ElementsAre(token(0, 0, 3), token(1, 3, 4)))
      << "x has no byte: all unknown";
}

TEST(Unigram, AnUnknownRunMayBeAToken) {
  EXPECT_THAT(tokenize(read_unigram, unigram(R"(["<unk>",100],["xy",100])"), "xy"), ElementsAre(token(1, 0, 2)));
}

TEST(Unigram, RefusesBrokenFiles) {
  EXPECT_THAT(message(read_unigram, unigram(R"(["a",0],["a",0])")), HasSubstr("vocab[1]: 'a' is in the list twice"));
  EXPECT_THAT(message(read_unigram, unigram(R"(["a",0])", R"(,"unk_id":1)")),
              HasSubstr("unk_id: is 1, but the vocabulary has 1"));
  EXPECT_THAT(message(read_unigram, unigram(R"(["a",0])", "")), HasSubstr("unk_id is missing"));
  EXPECT_THAT(message(read_unigram, unigram(R"(["a"])")), HasSubstr("a token and its score"));
  EXPECT_THAT(message(read_unigram, unigram(R"(["a","0"])")), HasSubstr("expected a number"));
  EXPECT_THAT(message(read_unigram, unigram(R"("a")")), HasSubstr("expected an array"));
}

// Pairs of a number and what the package writes when it has read it.
TEST(Unigram, ScoresAreReadAsThePackageReadsThem) {
  EXPECT_EQ(read_like_package(-2.0154635906219482), -2.015463590621948);
  EXPECT_EQ(read_like_package(-9.773894309997559), -9.77389430999756);
  EXPECT_EQ(read_like_package(-11.830850601196289), -11.830850601196287);
  for (const double exact : {0.0, -1.5, 3.0, 1e22, -12345.678, 1e-5}) EXPECT_EQ(read_like_package(exact), exact);
}

TEST(WordLevel, KnowsAPieceOrNot) {
  const std::string json = R"({"type":"WordLevel","vocab":{"a":0,"ab":1,"?":2},"unk_token":"?"})";
  EXPECT_THAT(tokenize(read_word_level, json, "ab"), ElementsAre(token(1, 0, 2)));
  EXPECT_THAT(tokenize(read_word_level, json, "abc"), ElementsAre(token(2, 0, 3)));
  EXPECT_THAT(message(read_word_level, R"({"vocab":{"a":0},"unk_token":"?"})"),
              HasSubstr("'?' is not in the vocabulary"));
}

}  // namespace
}  // namespace vivace
