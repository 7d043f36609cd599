#include "text/bpe.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/bpe_merges.h"

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Reader = Result<std::unique_ptr<const TokenModel>>(const JsonValue&, std::vector<std::string>*);

ModelToken token(int32_t id, uint32_t begin, uint32_t end) {
  return {.id = id, .begin = begin, .end = end};
}

std::string model_json(std::string_view vocab, std::string_view merges, std::string_view more = "") {
  return std::string(R"({"type":"BPE","vocab":{)")
             .append(vocab)
             .append(R"(},"merges":[)")
             .append(merges)
             .append("]")
             .append(more) +
         "}";
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

constexpr std::string_view kVocab = R"("<u>":0,"a":1,"b":2,"ab":3,"é":4,"abab":5,"<0xC3>":6,"<0xA9>":7,"<0xC4>":8)";
constexpr std::string_view kMerges = R"("a b",  "ab ab")";

// What the package gives for each.
TEST(Bpe, UnknownCharacters) {
  EXPECT_THAT(tokenize(read_bpe, model_json(kVocab, kMerges), "abxéab"),
              ElementsAre(token(3, 0, 2), token(4, 2, 4), token(3, 4, 6)))
      << "dropped: offsets run on";
  EXPECT_THAT(tokenize(read_bpe, model_json(kVocab, kMerges), "abxab"), ElementsAre(token(5, 0, 4)));
  EXPECT_THAT(tokenize(read_bpe, model_json(kVocab, kMerges, R"(,"unk_token":"<u>")"), "xyab"),
              ElementsAre(token(0, 0, 1), token(0, 1, 2), token(3, 2, 4)));
  EXPECT_THAT(tokenize(read_bpe, model_json(kVocab, kMerges, R"(,"unk_token":"<u>","fuse_unk":true)"), "xyāab"),
              ElementsAre(token(0, 0, 4), token(3, 4, 6)));
  EXPECT_THAT(tokenize(read_bpe, model_json(kVocab, kMerges), "x"), ElementsAre());
}

TEST(Bpe, BytesOvertakeAWaitingUnknown) {
  const std::string json = model_json(R"("<u>":0,"a":1,"<0xC3>":2,"<0xA9>":3)", "",
                                      R"(,"unk_token":"<u>","fuse_unk":true,"byte_fallback":true)");
  EXPECT_THAT(tokenize(read_bpe, json, "xéa"),
              ElementsAre(token(2, 0, 1), token(3, 1, 2), token(0, 2, 3), token(1, 3, 4)));
}

TEST(Bpe, AffixesAndWholePieces) {
  const std::string json =
      model_json(R"("a":0,"##b":1,"##c</w>":2,"ab":3,"ab##c</w>":4,"abc</w>":5)", R"(["a","##b"],["ab","##c</w>"])",
                 R"(,"continuing_subword_prefix":"##","end_of_word_suffix":"</w>")");
  EXPECT_THAT(tokenize(read_bpe, json, "abc"), ElementsAre(token(5, 0, 3)));
  const std::string whole = model_json(R"("a":0,"b":1,"aab":2)", "", R"(,"ignore_merges":true)");
  EXPECT_THAT(tokenize(read_bpe, whole, "aab"), ElementsAre(token(2, 0, 3)));
  EXPECT_THAT(tokenize(read_bpe, whole, "aaba"),
              ElementsAre(token(0, 0, 1), token(0, 1, 2), token(1, 2, 3), token(0, 3, 4)));
}

TEST(Bpe, OfTwoRanksForAPairTheLaterCounts) {
  const std::string json = model_json(R"("a":0,"b":1,"c":2,"ab":3,"bc":4)", R"("a b","b c","a b")");
  EXPECT_THAT(tokenize(read_bpe, json, "abc"), ElementsAre(token(0, 0, 1), token(4, 1, 3)));
}

TEST(Bpe, RawBytes) {
  const std::string_view vocab = R"("a":0,"Ġ":1,"Ã":2,"©":3,"Ġa":4,"Ã©":5,"<u>":6)";
  const std::string_view merges = R"("Ġ a","Ã ©")";
  EXPECT_THAT(tokenize(read_byte_level_bpe, model_json(vocab, merges), " aé"),
              ElementsAre(token(4, 0, 2), token(5, 2, 4)));
  EXPECT_THAT(tokenize(read_byte_level_bpe, model_json(vocab, merges, R"(,"unk_token":"<u>")"), "\xFF a\xC3"),
              ElementsAre(token(6, 0, 1), token(4, 1, 3), token(2, 3, 4)));
  // "\xFF" is "ÿ", two bytes long: what follows it is two bytes too early, in the package too.
  EXPECT_THAT(tokenize(read_byte_level_bpe, model_json(vocab, merges), "\xFF a\xC3\xA9"),
              ElementsAre(token(4, 0, 2), token(5, 1, 4)));
}

TEST(Bpe, LongAndShortRunsMergeAlike) {
  std::vector<BpeMerge> merges = {{1, 1, 2}, {2, 2, 3}, {3, 1, 4}, {4, 3, 5}, {2, 1, 6}};
  const BpeMerges model(merges);
  for (size_t length = 1; length <= 400; ++length) {
    // A stretch that no merge crosses makes the run long without changing what becomes of the first part.
    const size_t tail = length <= 64 ? 0 : 1;
    std::vector<ModelToken> tokens;
    for (uint32_t i = 0; i < length; ++i) tokens.push_back(token(1, i, i + 1));
    for (uint32_t i = 0; i < 100 * tail; ++i) tokens.push_back(token(9, 0, 0));
    model.apply(0, &tokens);
    tokens.erase(tokens.end() - static_cast<ptrdiff_t>(100 * tail), tokens.end());
    std::vector<ModelToken> slow;
    for (uint32_t i = 0; i < length; ++i) slow.push_back(token(1, i, i + 1));
    for (bool merged = true; merged;) {
      merged = false;
      for (size_t rank = 0; rank < merges.size() && !merged; ++rank) {
        for (size_t i = 0; i + 1 < slow.size() && !merged; ++i) {
          if (slow[i].id != merges[rank].left || slow[i + 1].id != merges[rank].right) continue;
          slow[i] = token(merges[rank].merged, slow[i].begin, slow[i + 1].end);
          slow.erase(slow.begin() + static_cast<ptrdiff_t>(i) + 1);
          merged = true;
        }
      }
    }
    ASSERT_EQ(tokens, slow) << length;
  }
}

TEST(Bpe, RefusesBrokenFiles) {
  const auto bad = [](std::string_view vocab, std::string_view merges, std::string_view more = "") {
    return message(read_bpe, model_json(vocab, merges, more));
  };
  EXPECT_THAT(bad(R"("a":0,"b":2)", ""), HasSubstr("without holes, but 'b' has id 2"));
  EXPECT_THAT(bad(R"("a":0,"b":0)", ""), HasSubstr("id 0 is given to both"));
  EXPECT_THAT(bad(R"("a":0)", R"("a b")"), HasSubstr("merges[0]: the merge needs the token 'b', which is not"));
  EXPECT_THAT(bad(R"("a":0,"b":1)", R"(["a","b"])"), HasSubstr("needs the token 'ab'"));
  EXPECT_THAT(bad(R"("a":0,"":1)", R"("a ")"), HasSubstr("needs the token ''"))
      << "it would merge with nothing for ever";
  EXPECT_THAT(bad(R"("a":0)", R"("a a a")"), HasSubstr("one space"));
  EXPECT_THAT(bad(R"("a":0)", R"("aa")"), HasSubstr("one space"));
  EXPECT_THAT(bad(R"("a":0)", R"(["a"])"), HasSubstr("two parts, this one 1"));
  EXPECT_THAT(bad(R"("a":0,"aa":1)", R"(["a","a"],"a a")"), HasSubstr("one way or the other"));
  EXPECT_THAT(bad(R"("a":0,"aa":1)", R"("a a")", R"(,"continuing_subword_prefix":"##")"), HasSubstr("shorter than"));
  EXPECT_THAT(bad(R"("a":0)", "", R"(,"unk_token":"?")"), HasSubstr("the unk_token '?' is not in the vocabulary"));
  EXPECT_THAT(bad(R"("a":0)", "", R"(,"dropout":0.1)"), HasSubstr("dropout"));
  EXPECT_EQ(bad(R"("a":0)", "", R"(,"dropout":0.0)"), "accepted");
  EXPECT_THAT(bad(R"("a":0)", "", R"(,"byte_fallback":true,"end_of_word_suffix":"</w>")"), HasSubstr("not supported"));
  EXPECT_THAT(message(read_byte_level_bpe, model_json(R"("a":0)", "", R"(,"byte_fallback":true)")),
              HasSubstr("byte-level"));
}

}  // namespace
}  // namespace vivace
