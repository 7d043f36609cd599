// The models of tests/tokenizer/data make the same tokens of the same pieces as the `tokenizers` package's.
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "text/bpe.h"
#include "text/byte_alphabet.h"
#include "text/unigram.h"
#include "text/word_level.h"

namespace vivace {
namespace {

using Reader = Result<std::unique_ptr<const TokenModel>>(const JsonValue&, std::vector<std::string>*);

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The folder of the goldens; another may hold more of them.
std::string data_folder() {
  const char* other = std::getenv("VIVACE_TOKENIZER_DATA");
  return other != nullptr ? other : std::string(VIVACE_SOURCE_DIR) + "/tests/tokenizer/data";
}

std::unique_ptr<const TokenModel> load(const std::string& kind, Reader* reader) {
  const std::string path = data_folder() + "/" + kind + "/tokenizer.json";
  const Result<JsonDocument> document = JsonDocument::parse(read_file(path), path);
  if (!document) {
    ADD_FAILURE() << document.error().message;
    return nullptr;
  }
  std::vector<std::string> tokens;
  Result<std::unique_ptr<const TokenModel>> model = reader(document->root().get("model").value(), &tokens);
  if (!model) ADD_FAILURE() << model.error().message;
  return model ? std::move(*model) : nullptr;
}

struct Golden {
  std::string piece;
  std::vector<ModelToken> tokens;
};

std::vector<Golden> read_goldens(const std::string& kind) {
  std::ifstream file(data_folder() + "/" + kind + "/pieces.jsonl");
  std::vector<Golden> goldens;
  for (std::string line; std::getline(file, line);) {
    const Result<JsonDocument> document = JsonDocument::parse(line, "pieces.jsonl");
    Golden golden{.piece = std::string(document->root().get("piece")->as_string().value()), .tokens = {}};
    const std::vector<JsonValue> tokens = document->root().get("tokens")->as_array().value();
    for (const JsonValue& token : tokens) {
      const std::vector<JsonValue> numbers = token.as_array().value();
      golden.tokens.push_back({.id = static_cast<int32_t>(numbers[0].as_integer(0, INT32_MAX).value()),
                               .begin = static_cast<uint32_t>(numbers[1].as_integer(0, INT32_MAX).value()),
                               .end = static_cast<uint32_t>(numbers[2].as_integer(0, INT32_MAX).value())});
    }
    goldens.push_back(std::move(golden));
  }
  EXPECT_GE(goldens.size(), 300U) << kind;
  return goldens;
}

std::string shown(const std::vector<ModelToken>& tokens) {
  std::string text;
  for (const ModelToken& token : tokens) {
    text += std::to_string(token.id) + "[" + std::to_string(token.begin) + "," + std::to_string(token.end) + ") ";
  }
  return text;
}

void expect_equal(const TokenModel& model, const Golden& golden) {
  std::vector<ModelToken> tokens = {{.id = 7, .begin = 8, .end = 9}};  // what stands there already stays
  model.tokenize(golden.piece, &tokens);
  ASSERT_EQ(tokens.front(), (ModelToken{.id = 7, .begin = 8, .end = 9}));
  tokens.erase(tokens.begin());
  EXPECT_EQ(shown(tokens), shown(golden.tokens)) << golden.piece;
}

// A golden of a byte-level file, brought from characters of the alphabet to bytes. For a vocabulary that has them all,
// every character is one byte.
Golden as_bytes(const Golden& golden) {
  std::vector<uint32_t> places;
  uint32_t bytes = 0;
  for (const char c : golden.piece) {
    const bool continues = (static_cast<uint8_t>(c) & 0xC0U) == 0x80U;
    places.push_back(continues ? bytes : bytes++);
  }
  places.push_back(bytes);
  Golden moved{.piece = characters_to_bytes(golden.piece).value(), .tokens = golden.tokens};
  for (ModelToken& token : moved.tokens) {
    token.begin = places[token.begin];
    token.end = places[token.end];
  }
  return moved;
}

struct Kind {
  const char* folder;
  Reader* reader;
};
constexpr Kind kKinds[] = {{"roberta", read_bpe},
                           {"codet5p", read_bpe},
                           {"modernbert", read_bpe},
                           {"split_bpe", read_bpe},
                           {"byte_fallback_bpe", read_bpe},
                           {"suffix_bpe", read_bpe},
                           {"prefix_bpe", read_bpe},
                           {"word_level", read_word_level},
                           {"xlm_roberta", read_unigram},
                           {"deberta_v3", read_unigram},
                           {"t5", read_unigram},
                           {"byte_fallback_unigram", read_unigram}};

TEST(TokenModelGolden, TokensOfPiecesEqualThePackages) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.folder);
    const std::unique_ptr<const TokenModel> model = load(kind.folder, kind.reader);
    if (!model) continue;
    for (const Golden& golden : read_goldens(kind.folder)) expect_equal(*model, golden);
  }
}

TEST(TokenModelGolden, ByteLevelModelsTakeRawBytes) {
  for (const char* kind : {"roberta", "codet5p", "modernbert", "split_bpe"}) {
    SCOPED_TRACE(kind);
    const std::unique_ptr<const TokenModel> model = load(kind, read_byte_level_bpe);
    if (!model) continue;
    for (const Golden& golden : read_goldens(kind)) expect_equal(*model, as_bytes(golden));
  }
}

}  // namespace
}  // namespace vivace
