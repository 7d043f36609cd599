#include "text/decoder.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "text/lossy_utf8.h"

namespace vivace {
namespace {

using Tokens = std::vector<std::string>;

std::string decode(std::string_view json, const Tokens& tokens) {
  const Result<JsonDocument> document = JsonDocument::parse(json, "decoder");
  if (!document) return document.error().message;
  const Result<std::unique_ptr<const Decoder>> decoder = Decoder::read(document->root());
  return decoder ? (*decoder)->decode(tokens) : decoder.error().message;
}

constexpr std::string_view kLlama =
    R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},)"
    R"({"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})";

// Expected texts are the package's.
TEST(Decoder, DecodesAsThePackage) {
  EXPECT_EQ(decode("null", {"a", "##b", "c"}), "a ##b c");
  EXPECT_EQ(decode(R"({"type":"WordPiece","prefix":"##","cleanup":true})", {"do", "n't", "##s", "not", ".", "'", "s"}),
            "don'ts not. ' s");
  EXPECT_EQ(decode(R"({"type":"WordPiece","prefix":"##","cleanup":false})", {"##a", ".", "##b"}), "##a .b");
  EXPECT_EQ(decode(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"first"})", {"▁a▁b", "▁c▁", "d"}),
            "ab c d");
  EXPECT_EQ(decode(R"({"type":"Metaspace","replacement":"_","prepend_scheme":"never"})", {"_a_b", "_c"}), " a b c");
  EXPECT_EQ(decode(R"({"type":"BPEDecoder","suffix":"</w>"})", {"a", "b</w>", "c</w>d", "e</w>"}), "ab c de");
  EXPECT_EQ(decode(R"({"type":"ByteLevel"})", {"Ġa", "Ã", "©", "中", "x y"}), " a\u00e9中x y");
  EXPECT_EQ(decode(R"({"type":"ByteLevel"})", {"Ã", "a", "ð", "Ł", "ĺ"}), "\uFFFDa\uFFFD");
  EXPECT_EQ(decode(R"({"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true})",
                   {"<pad>", "h", "h", "<pad>", "h", "|", "|", " .", "i"}),
            "hh .i");
  EXPECT_EQ(decode(kLlama, {"▁", "▁a", "<0xE4>", "<0xBD>", "<0xA0>", "b", "<0xE4>", "<0xBD>", "▁"}),
            " a\u4f60b\uFFFD\uFFFD ");
  EXPECT_EQ(decode(R"({"type":"Strip","content":"_","start":2,"stop":1})", {"___a__", "_", "b_"}), "_a_b");
  EXPECT_EQ(decode(R"({"type":"Sequence","decoders":[]})", {"a", "b"}), "ab");
}

// After a fuse a strip sees the whole text, and another decoder one token.
TEST(Decoder, FusesForWhatFollows) {
  const std::string strip = R"({"type":"Strip","content":"_","start":2,"stop":2})";
  const std::string fuse = R"({"type":"Fuse"})";
  const auto sequence = [](const std::string& items) { return R"({"type":"Sequence","decoders":[)" + items + "]}"; };
  const Tokens tokens = {"_", "__a_", "_b", "_", "__"};
  EXPECT_EQ(decode(sequence(fuse + "," + strip), tokens), "_a__b_");
  EXPECT_EQ(decode(sequence(strip + "," + fuse), tokens), "ab");
  const std::string replace = R"({"type":"Replace","pattern":{"String":"a__b"},"content":"<>"})";
  EXPECT_EQ(decode(sequence(fuse + "," + replace + "," + fuse + "," + strip), tokens), "_<>_");
}

TEST(Decoder, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(decode(R"({"type":"Magic"})", {}),
            "decoder: 'Magic' is not supported; known: BPEDecoder, ByteFallback, ByteLevel, CTC, Fuse, Metaspace, "
            "Replace, Sequence, Strip, WordPiece");
  EXPECT_EQ(decode(R"({"type":"Replace","pattern":{"Regex":"a+"},"content":""})", {}),
            "decoder: pattern: a Regex is not supported in a decoder, only a String");
  EXPECT_EQ(decode(R"({"type":"Metaspace","replacement":"__"})", {}), "decoder: replacement must be one character");
  EXPECT_EQ(decode(R"({"type":"BPEDecoder","suffix":""})", {}), "decoder: suffix is empty");
  EXPECT_EQ(decode(R"({"type":"Sequence","decoders":[null]})", {}).substr(0, 42),
            "decoder: decoders[0]: 'null' is not suppor");
}

TEST(StreamDecoder, GivesTextAsSoonAsItIsCertain) {
  const auto parts = [](std::string_view json, const Tokens& tokens) {
    const JsonDocument document = JsonDocument::parse(json, "decoder").value();
    const std::unique_ptr<const Decoder> decoder = Decoder::read(document.root()).value();
    StreamDecoder stream = decoder->stream();
    Tokens texts;
    for (const std::string& token : tokens) texts.push_back(stream.push(token));
    texts.push_back(stream.finish());
    return texts;
  };
  EXPECT_EQ(parts(R"({"type":"ByteLevel"})", {"Ġa", "Ã", "©b", "ð"}), (Tokens{" a", "", "\u00e9b", "", "\uFFFD"}));
  EXPECT_EQ(parts(kLlama, {"▁Hi", "<0xC3>", "<0xA9>", "▁you"}), (Tokens{"Hi", "", "", "\u00e9 you", ""}));
  EXPECT_EQ(parts(R"({"type":"BPEDecoder","suffix":"$"})", {"a", "b$", "c$"}), (Tokens{"a", "", "b ", "c"}));
  EXPECT_EQ(parts(R"({"type":"WordPiece","prefix":"##","cleanup":true})", {"a", "##b", "."}),
            (Tokens{"a", "b", ".", ""}));
}

TEST(LossyUtf8, DoesNotDependOnTheSplit) {
  std::mt19937 random(3);
  const std::string bytes("aé中\U0001F600\xE4\xBD\xF0\x9F\x98\xED\xA0\x80\xC0\xFF\xF4\x90\x80");
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text.push_back(bytes[random() % bytes.size()]);
    std::string whole;
    std::string split;
    LossyUtf8 one;
    one.push(text, &whole);
    one.finish(&whole);
    LossyUtf8 many;
    for (const char c : text) many.push({&c, 1}, &split);
    many.finish(&split);
    EXPECT_EQ(whole, split);
    EXPECT_EQ(find_invalid_utf8(whole), kValidUtf8);
    if (find_invalid_utf8(text) == kValidUtf8) {
      EXPECT_EQ(whole, text);
    }
  }
}

}  // namespace
}  // namespace vivace
