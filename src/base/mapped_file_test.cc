#include "base/mapped_file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace vivace {
namespace {

class MappedFileTest : public testing::Test {
 protected:
  std::string write(const std::string& content) {
    const std::string path =
        testing::TempDir() + "/vivace_mapped_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
};

TEST_F(MappedFileTest, MapsTheContent) {
  const std::string content("a\0b\n", 4);
  const auto file = MappedFile::open(write(content));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->bytes(), content);
}

TEST_F(MappedFileTest, AnEmptyFileIsEmpty) {
  const auto file = MappedFile::open(write(""));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->bytes().empty());
}

TEST_F(MappedFileTest, NamesWhatCannotBeOpened) {
  const auto missing = MappedFile::open("/nowhere/file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), (Status{StatusCode::kNotFound, "/nowhere/file: cannot open: No such file or directory"}));
  const auto below_a_file = MappedFile::open(write("x") + "/below");
  ASSERT_FALSE(below_a_file);
  EXPECT_EQ(below_a_file.error().code, StatusCode::kNotFound);
  const auto folder = MappedFile::open(testing::TempDir());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error(), (Status{StatusCode::kInvalidArgument, testing::TempDir() + ": is not a regular file"}));
  const auto device = MappedFile::open("/dev/null");
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().code, StatusCode::kInvalidArgument);
}

TEST_F(MappedFileTest, TheMappingMovesAlong) {
  auto opened = MappedFile::open(write("content"));
  ASSERT_TRUE(opened);
  const std::string_view view = opened->bytes();
  MappedFile moved = std::move(*opened);
  EXPECT_EQ(moved.bytes().data(), view.data());
  auto other = MappedFile::open(write("content"));
  ASSERT_TRUE(other);
  moved = std::move(*other);
  EXPECT_EQ(moved.bytes(), "content");
}

TEST_F(MappedFileTest, ReleasedPagesReadAgain) {
  std::string content(100'000, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  const auto file = MappedFile::open(write(content));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bytes(), content);
  file->release_pages(file->bytes());
  file->release_pages(file->bytes().substr(5, 90'000));
  file->release_pages(file->bytes().substr(10, 3));
  file->release_pages({});
  EXPECT_EQ(file->bytes(), content);
}

TEST_F(MappedFileTest, TextFilesHaveALimit) {
  const std::string path = write("12345");
  EXPECT_EQ(read_text_file(path, 5), "12345");
  EXPECT_EQ(read_text_file(path, 4).error(),
            (Status{StatusCode::kTooLarge, path + ": has 5 bytes, more than the limit of 4"}));
  EXPECT_EQ(read_text_file("/nowhere/file", 4).error().code, StatusCode::kNotFound);
}

}  // namespace
}  // namespace vivace
