#include "cli/text_source.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vivace {
namespace {

class TextSourceTest : public testing::Test {
 protected:
  TextSourceTest() {
    m_folder = std::filesystem::temp_directory_path() / ("vivace-text-source-" + std::to_string(getpid()));
    std::filesystem::create_directories(m_folder);
  }
  ~TextSourceTest() override { std::filesystem::remove_all(m_folder); }

  TextSource open(const std::string& name, const std::string& content, InputFields fields = {}) {
    InputOptions options;
    options.file = (m_folder / name).string();
    std::ofstream(options.file, std::ios::binary) << content;
    auto source = TextSource::open(options, std::move(fields));
    EXPECT_TRUE(source.has_value());
    return std::move(*source);
  }

  // "text" or "!problem" of each input.
  static std::vector<std::string> all(TextSource source) {
    std::vector<std::string> found;
    while (true) {
      const auto inputs = source.next(2, 1 << 20);
      EXPECT_TRUE(inputs.has_value());
      if (!inputs || inputs->empty()) return found;
      for (const InputText& input : *inputs) {
        EXPECT_EQ(input.index, found.size());
        found.push_back(input.problem.empty() ? input.text : "!" + input.problem);
      }
    }
  }

  std::filesystem::path m_folder;
};

using Texts = std::vector<std::string>;

TEST_F(TextSourceTest, LinesEndInEitherWay) {
  EXPECT_EQ(all(open("a.txt", "one\ntwo\r\nthree")), (Texts{"one", "two", "three"}));
  EXPECT_EQ(all(open("a.txt", "one\n")), Texts{"one"});
  EXPECT_EQ(all(open("a.txt", "")), Texts{});
}

TEST_F(TextSourceTest, LongLinesAreReadWhole) {
  const std::string line(3'000'000, 'x');
  EXPECT_EQ(all(open("a.txt", "a\n" + line + "\nb\n")), (Texts{"a", line, "b"}));
}

TEST_F(TextSourceTest, FormatFollowsTheEnding) {
  EXPECT_EQ(all(open("a.jsonl", "{\"text\":\"x\"}\n")), Texts{"x"});
  EXPECT_EQ(all(open("a.ndjson", "{\"text\":\"x\"}\n")), Texts{"x"});
  EXPECT_EQ(all(open("a.JSONL", "\xEF\xBB\xBF{\"text\":\"x\"}\n\n")), Texts{"x"});
  EXPECT_EQ(all(open("a.txt", "\xEF\xBB\xBFx\n\xEF\xBB\xBFy\n")), (Texts{"x", "\xEF\xBB\xBFy"}));
  InputOptions unclear{.texts = {}, .file = (m_folder / "a.JSON").string(), .format = ""};
  std::ofstream(unclear.file) << "{\"text\":\"x\"}\n";
  EXPECT_FALSE(TextSource::open(unclear).has_value());
  unclear.format = "lines";
  EXPECT_EQ(all(*TextSource::open(unclear)), Texts{"{\"text\":\"x\"}"});
}

TEST_F(TextSourceTest, ProblemsNameTheirLine) {
  const Texts found = all(open("a.txt", "a\n\n\xf0\x9f\n"));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].substr(found[1].size() - 15), "line 2 is empty");
  EXPECT_NE(found[2].find("line 3 is not valid UTF-8 (byte 1)"), std::string::npos);
}

// Nothing is left unread: a verb of single texts refuses pairs.
TEST_F(TextSourceTest, ASecondTextIsReadOrRefused) {
  const std::string content = "{\"text\":\"a\",\"text_pair\":null}\n{\"text\":\"b\",\"text_pair\":\"c\"}\n";
  const Texts refused = all(open("a.jsonl", content));
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_EQ(refused[0], "a");
  EXPECT_NE(refused[1].find("line 2: text_pair is not read here, only text"), std::string::npos) << refused[1];
  TextSource pairs = open("b.jsonl", content, {.second_text = SecondText::kOptional});
  const auto inputs = pairs.next(2, 1 << 20);
  ASSERT_TRUE(inputs.has_value());
  EXPECT_EQ((*inputs)[0].text_pair, std::nullopt);
  EXPECT_EQ((*inputs)[1].text_pair, "c");
}

TEST_F(TextSourceTest, GivesLittleAtATime) {
  TextSource source = open("a.txt", "aaaa\nbbbb\ncccc\ndddd\n");
  EXPECT_EQ(source.next(3, 1 << 20)->size(), 3U);
  EXPECT_NEAR(*source.fraction_taken(), 0.75, 1e-9);
  EXPECT_EQ(source.next(3, 1 << 20)->size(), 1U);
  TextSource by_bytes = open("b.txt", "aaaa\nbbbb\ncccc\ndddd\n");
  EXPECT_EQ(by_bytes.next(9, 5)->size(), 2U);
}

TEST_F(TextSourceTest, ArgumentsNeedNoFile) {
  InputOptions options;
  options.texts = {"a", "", "b"};
  EXPECT_EQ(all(*TextSource::open(options)), (Texts{"a", "!text 2 is empty", "b"}));
}

TEST_F(TextSourceTest, MissingFilesAndFolders) {
  InputOptions options;
  options.file = (m_folder / "nope").string();
  EXPECT_EQ(TextSource::open(options).error().code, StatusCode::kNotFound);
  options.file = m_folder.string();
  EXPECT_EQ(TextSource::open(options).error().code, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vivace
