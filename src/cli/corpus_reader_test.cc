#include "cli/corpus_reader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Fields = std::vector<std::string>;

class CorpusReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "vivace_corpus_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    m_folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(m_folder); }
  Result<std::vector<CorpusRow>> read(const std::string& name, const std::string& text) {
    const std::string path = (m_folder / name).string();
    std::ofstream(path, std::ios::binary) << text;
    ASSIGN_OR_RETURN(CorpusReader reader, CorpusReader::open(path));
    std::vector<CorpusRow> all;
    while (true) {
      ASSIGN_OR_RETURN(const auto rows, reader.next(2));
      if (rows.empty()) return all;
      all.insert(all.end(), rows.begin(), rows.end());
    }
  }
  std::filesystem::path m_folder;
};

std::optional<Fields> fields_of(std::string_view line) {
  CsvRecord record;
  if (!record.add_line(line)) return std::nullopt;
  return record.take_fields();
}

TEST(CsvRecord, FollowsRfc4180) {
  EXPECT_EQ(fields_of("a,b,"), (Fields{"a", "b", ""}));
  EXPECT_EQ(fields_of(R"("a,b","say ""hi""",c)"), (Fields{"a,b", "say \"hi\"", "c"}));
  EXPECT_EQ(fields_of("\"two\nlines\",x"), (Fields{"two\nlines", "x"}));
  EXPECT_EQ(fields_of("5\" wide,x"), (Fields{"5\" wide", "x"}));
  EXPECT_EQ(fields_of(""), (Fields{""}));
  EXPECT_EQ(fields_of("\"\",\"\""), (Fields{"", ""}));
  EXPECT_EQ(fields_of("a,\"open"), std::nullopt);
}

TEST(CsvRecord, TakesAFieldOfManyLinesLineByLine) {
  CsvRecord record;
  EXPECT_FALSE(record.add_line("a,\"one \"\"two\"\","));
  EXPECT_FALSE(record.add_line(""));
  EXPECT_FALSE(record.add_line("\"\"three\"\""));
  EXPECT_TRUE(record.add_line("\",b"));
  EXPECT_EQ(record.take_fields(), (Fields{"a", "one \"two\",\n\n\"three\"\n", "b"}));
}

// Minutes, if each line meant that the record is read again from its beginning.
TEST_F(CorpusReaderTest, AFieldOfVeryManyLines) {
  std::string content;
  for (int i = 0; i < 400000; ++i) content += "x\n";
  const auto rows = read("c.csv", "content,id\n\"" + content + "\",a\nb,b\n").value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].evidence.content, content);
  EXPECT_EQ(rows[1].evidence.content, "b");
  std::string open = "content\n\"";
  for (int i = 0; i < 3000000; ++i) open += "x\n";
  EXPECT_THAT(read("c.csv", open).error().message, HasSubstr("line 2: a quoted field that begins here does not end"));
}

TEST_F(CorpusReaderTest, C004_19_OneCorpusInThreeFormats) {
  const auto json = read("c.json", R"([{"id":"a","content":"One, \"two\"","url":"u"},{"id":7,"text":"Three\nfour"}])");
  const auto wrapped =
      read("w.json", R"({"metadata":{},"evidence":[{"id":"a","content":"One, \"two\"","source_url":"u"},
                                        {"id":"7","text":"Three\nfour"}]})");
  const auto lines = read("c.jsonl",
                          "{\"id\":\"a\",\"content\":\"One, \\\"two\\\"\",\"url\":\"u\"}\n\n"
                          "{\"id\":7,\"text\":\"Three\\nfour\",\"other\":[1]}\n");
  const auto csv =
      read("c.csv", "\xEF\xBB\xBFid,content,url,other\r\na,\"One, \"\"two\"\"\",u,x\r\n\r\n7,\"Three\nfour\",,\r\n");
  for (const auto* rows : {&json, &wrapped, &lines, &csv}) {
    ASSERT_TRUE(*rows) << rows->error().message;
    ASSERT_EQ((*rows)->size(), 2U);
    const CorpusRow& first = (**rows)[0];
    const CorpusRow& second = (**rows)[1];
    EXPECT_EQ(first.problem, "");
    EXPECT_EQ(first.evidence.id, "a");
    EXPECT_EQ(first.evidence.content, "One, \"two\"");
    EXPECT_EQ(first.evidence.source_url, "u");
    EXPECT_EQ(second.problem, "");
    EXPECT_EQ(second.evidence.id, "7");
    EXPECT_EQ(second.evidence.content, "Three\nfour");
  }
}

TEST_F(CorpusReaderTest, AByteOrderMarkIsNoContent) {
  const std::string mark = "\xEF\xBB\xBF";
  for (const auto& [name, text] :
       std::vector<std::pair<std::string, std::string>>{{"c.json", R"([{"id":"a","content":"one"}])"},
                                                        {"c.jsonl", "{\"id\":\"a\",\"content\":\"one\"}\n"},
                                                        {"c.csv", "\"id\",\"content\"\r\na,one\r\n"}}) {
    const auto rows = read(name, mark + text);
    ASSERT_TRUE(rows) << name << ": " << rows.error().message;
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->front().problem, "") << name;
    EXPECT_EQ(rows->front().evidence.id, "a");
    EXPECT_EQ(rows->front().evidence.content, "one");
  }
  EXPECT_NE(read("c.jsonl", mark + mark + "{\"content\":\"one\"}\n").value()[0].problem, "");
}

TEST_F(CorpusReaderTest, TheSourceHasTwoNames) {
  const auto lines =
      read("c.jsonl", "{\"text\":\"x\",\"source\":\"book\"}\n{\"text\":\"y\",\"source_type\":\"web\"}\n");
  const auto csv = read("c.csv", "text,source\nx,book\n");
  EXPECT_EQ(lines.value()[0].evidence.source_type, "book");
  EXPECT_EQ(lines.value()[1].evidence.source_type, "web");
  EXPECT_EQ(csv.value()[0].evidence.source_type, "book");
}

TEST_F(CorpusReaderTest, IdsComeFromTheContentWhereMissing) {
  const auto rows = read("c.jsonl", "{\"text\":\"x\"}\n{\"text\":\"y\"}\n{\"text\":\"x\",\"url\":\"u\"}\n").value();
  EXPECT_EQ(rows[0].evidence.id, rows[2].evidence.id);
  EXPECT_NE(rows[0].evidence.id, rows[1].evidence.id);
}

TEST_F(CorpusReaderTest, WrongRowsAreProblemsThatNameTheirPlace) {
  const auto lines =
      read("c.jsonl", "{\"text\":\"x\"}\nnot json\n{\"id\":\"a\"}\n{\"text\":5}\n[]\n{\"text\":\"y\"}\n").value();
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_THAT(lines[1].problem, HasSubstr("c.jsonl line 2"));
  EXPECT_THAT(lines[2].problem, HasSubstr("c.jsonl line 3: has no content"));
  EXPECT_THAT(lines[3].problem, HasSubstr("c.jsonl line 4: text: expected a string"));
  EXPECT_THAT(lines[4].problem, HasSubstr("c.jsonl line 5"));
  EXPECT_EQ(lines[5].problem, "");
  const auto csv = read("c.csv", "content,id\nx,a\ny\n\xFF,b\n").value();
  EXPECT_THAT(csv[1].problem, HasSubstr("c.csv line 3: has 1 fields, the header has 2"));
  EXPECT_THAT(csv[2].problem, HasSubstr("not UTF-8"));
  const auto json = read("c.json", R"([{"content":""}])").value();
  EXPECT_THAT(json[0].problem, HasSubstr("entry 1"));
}

TEST_F(CorpusReaderTest, FilesThatAreNoCorpusAreRefused) {
  EXPECT_THAT(read("c.txt", "x").error().message, HasSubstr(".jsonl"));
  EXPECT_THAT(read("c.csv", "id,name\n").error().message, HasSubstr("\"content\""));
  EXPECT_THAT(read("c.csv", "").error().message, HasSubstr("\"content\""));
  EXPECT_THAT(read("c.csv", "content\n\"open\nx\n").error().message, HasSubstr("line 2"));
  EXPECT_FALSE(read("c.json", "{"));
  EXPECT_FALSE(read("c.json", "5"));
  EXPECT_EQ(CorpusReader::open((m_folder / "none.csv").string()).error().code, StatusCode::kNotFound);
}

}  // namespace
}  // namespace vivace
