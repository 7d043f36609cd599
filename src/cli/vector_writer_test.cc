#include "cli/vector_writer.h"

#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "cli/digest.h"
#include "cli/progress.h"

namespace vivace {
namespace {

TEST(NpyHeaderTest, IsVersionOneAndPaddedTo128Bytes) {
  const std::string header = npy_header(3, 384);
  EXPECT_EQ(header.size(), 128U);
  EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(header[8], 118);
  EXPECT_EQ(header[9], 0);
  EXPECT_NE(header.find("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }"), std::string::npos);
  EXPECT_EQ(header.back(), '\n');
  EXPECT_EQ(npy_header(uint64_t{1} << 62, 1 << 20).size(), 128U);
}

std::string jsonl_of(const TextEmbedding& embedding, VectorsOfText vectors) {
  const std::string path = testing::TempDir() + "/vivace_vectors.jsonl";
  auto file = OutputFile::open(path, OutputFile::Existing::kOverwrite);
  EXPECT_TRUE(file.has_value());
  const auto writer = make_jsonl_writer(std::move(*file), 2, vectors);
  EXPECT_TRUE(writer->write(0, embedding).has_value());
  EXPECT_TRUE(writer->finish().has_value());
  return *read_text_file(path, 1000);
}

TEST(JsonlWriterTest, OneVectorOrOneForEachToken) {
  const TextEmbedding one{.values = {1, 2.5F}, .tokens = 1, .truncated = false};
  EXPECT_EQ(jsonl_of(one, VectorsOfText::kOne), "{\"index\":0,\"tokens\":1,\"embedding\":[1,2.5]}\n");
  EXPECT_EQ(jsonl_of(one, VectorsOfText::kOneForEachToken), "{\"index\":0,\"tokens\":1,\"embedding\":[[1,2.5]]}\n");
  const TextEmbedding two{.values = {1, 2, 3, 4}, .tokens = 2, .truncated = true};
  EXPECT_EQ(jsonl_of(two, VectorsOfText::kOneForEachToken),
            "{\"index\":0,\"tokens\":2,\"truncated\":true,\"embedding\":[[1,2],[3,4]]}\n");
}

TEST(ProgressLineTest, ShowsShareRateAndTimeLeft) {
  const std::string line = progress_line("", ProgressUnit::kTexts, 250, 0.25, 10);
  EXPECT_NE(line.find(" 25% ██████░"), std::string::npos) << line;
  EXPECT_NE(line.find("250 texts  25 texts/s  ETA 0:30"), std::string::npos) << line;
}

TEST(ProgressLineTest, DoesNotGuessWithoutAnEnd) {
  const std::string line = progress_line("file", ProgressUnit::kBytes, 2'500'000, std::nullopt, 3661);
  EXPECT_EQ(line, "file  2.5 MB  1 kB/s  in 1:01:01");
}

TEST(ProgressLineTest, StandsAtTheStartAndTheEnd) {
  EXPECT_NE(progress_line("", ProgressUnit::kTexts, 0, 0.0, 0).find("0 texts  0 texts/s"), std::string::npos);
  EXPECT_NE(progress_line("", ProgressUnit::kTexts, 9, 1.0, 3).find("100% "), std::string::npos);
}

TEST(DigestTest, KnownAnswers) {
  Digest sha256 = Digest::sha256();
  sha256.update("a");
  sha256.update("bc");
  EXPECT_EQ(sha256.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
  Digest blob = Digest::git_blob(0);
  EXPECT_EQ(blob.hex(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");  // git's empty blob
}

}  // namespace
}  // namespace vivace
