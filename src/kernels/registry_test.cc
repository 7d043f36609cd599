#include "kernels/registry.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::HasSubstr;

class RegistryTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* kept = std::getenv("VIVACE_ISA");
    m_kept = kept == nullptr ? "" : kept;
    ::unsetenv("VIVACE_ISA");
  }
  void TearDown() override {
    if (!m_kept.empty()) ::setenv("VIVACE_ISA", m_kept.c_str(), 1);
  }

 private:
  std::string m_kept;
};

TEST_F(RegistryTest, GenericRunsEverywhereAndStandsLast) {
  EXPECT_EQ(kernel_tables().back().table, &kernel_table_generic);
  EXPECT_TRUE(kernel_tables().back().supported());
}

TEST_F(RegistryTest, TakesTheFastestSupportedTable) {
  const auto chosen = select_kernel_table("");
  ASSERT_TRUE(chosen.has_value());
  for (const auto& entry : kernel_tables()) {
    if (!entry.supported() || !entry.drawback().empty()) continue;
    EXPECT_EQ(*chosen, entry.table);
    break;
  }
}

TEST_F(RegistryTest, EnvironmentOverrides) {
  ::setenv("VIVACE_ISA", "generic", 1);
  EXPECT_EQ(*select_kernel_table(""), &kernel_table_generic);
}

TEST_F(RegistryTest, AnExplicitNameBeatsTheEnvironment) {
  ::setenv("VIVACE_ISA", "nonsense", 1);
  EXPECT_EQ(*select_kernel_table("generic"), &kernel_table_generic);
}

TEST_F(RegistryTest, UnknownNamesAreErrors) {
  ::setenv("VIVACE_ISA", "avx1024", 1);
  const auto chosen = select_kernel_table("");
  ASSERT_FALSE(chosen.has_value());
  EXPECT_EQ(chosen.error().code, StatusCode::kInvalidArgument);
  EXPECT_THAT(chosen.error().message, HasSubstr("'avx1024' is unknown; use one of"));
  EXPECT_THAT(chosen.error().message, HasSubstr("generic"));
}

TEST_F(RegistryTest, ExplainsWhyOthersAreNotUsed) {
  const auto lines = explain_other_tables(kernel_table_generic);
  ASSERT_EQ(lines.size(), kernel_tables().size() - 1);
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_THAT(lines[i], HasSubstr(kernel_tables()[i].table->name));
    const auto& entry = kernel_tables()[i];
    const std::string asked(entry.drawback().empty() ? "another one was asked for" : entry.drawback());
    EXPECT_THAT(lines[i], HasSubstr(entry.supported() ? asked : "lacks"));
  }
}

}  // namespace
}  // namespace vivace
