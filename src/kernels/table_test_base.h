// Runs a test once for each table of tested_tables(). A table that this CPU cannot run is skipped, and says so.
#pragma once

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/tested_tables_testing.h"

namespace vivace {

class EachTable : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    const KernelTableEntry entry = tested_tables()[GetParam()].entry;
    if (!entry.supported()) {
      GTEST_SKIP() << "this CPU cannot run " << entry.table->name << " (needs " << entry.required_features << ")";
    }
    m_table = entry.table;
    // Proof that the test runs the code it is named after, and not a fall-back.
    if (std::string_view(m_table->name) != "generic") {
      ASSERT_NE(m_table->gemm_f32, kernel_table_generic.gemm_f32);
      ASSERT_NE(m_table->attention_f32.run, kernel_table_generic.attention_f32.run);
      ASSERT_NE(m_table->bf16.gemm, kernel_table_generic.bf16.gemm);
      ASSERT_NE(m_table->int8.gemm, kernel_table_generic.int8.gemm);
      ASSERT_NE(m_table->int4.gemm, kernel_table_generic.int4.gemm);
    }
  }
  const KernelTable& table() const { return *m_table; }

 private:
  const KernelTable* m_table = nullptr;
};

inline std::string table_name(const testing::TestParamInfo<size_t>& info) {
  return tested_tables()[info.param].name;
}

// Uniform in [-1, 1), the same on every run.
inline std::vector<float> random_floats(size_t n, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(generator() >> 8) / static_cast<float>(1U << 23) - 1.0F;
  return values;
}

}  // namespace vivace

#define VIVACE_FOR_EACH_TABLE(suite) \
  INSTANTIATE_TEST_SUITE_P(Tables, suite, testing::Range(size_t{0}, tested_tables().size()), table_name)
