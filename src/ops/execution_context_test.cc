#include "ops/execution_context.h"

#include <vector>

#include <gtest/gtest.h>

namespace vivace {
namespace {

TEST(ExecutionContext, AFewRowsAreEnoughWithWeightsInTheCache) {
  KernelTable kernels = kernel_table_generic;
  kernels.full_rows = 4;
  ThreadPool two(2);
  ThreadPool eight(8);
  std::vector<Arena> arenas(8);
  const ExecutionContext context{&kernels, &two, arenas};
  EXPECT_FALSE(context.splits_by_rows(191));
  EXPECT_TRUE(context.splits_by_rows(192));
  EXPECT_FALSE(context.with_weights_in_cache().splits_by_rows(7));
  EXPECT_TRUE(context.with_weights_in_cache().splits_by_rows(8));
  const ExecutionContext many{&kernels, &eight, arenas};
  EXPECT_FALSE(many.with_weights_in_cache().splits_by_rows(63));
  EXPECT_TRUE(many.with_weights_in_cache().splits_by_rows(64));
}

}  // namespace
}  // namespace vivace
