#include "engine/machine_probe.h"

#include <gtest/gtest.h>

#include "kernels/registry.h"
#include "ops/linear.h"

namespace vivace {
namespace {

// Not how fast: that all are measured, make sense at all, and are measured once.
TEST(MachineProbe, MeasuresOnceForEachKernelTableAndPrecision) {
  for (const KernelTableEntry& entry : kernel_tables()) {
    if (!entry.supported()) continue;
    ThreadPool pool(2);
    MachineProbe probe(*entry.table, pool);
    for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
      const double operations = probe.operations_per_s(precision);
      EXPECT_GT(operations, 1e6) << entry.table->name << " " << precision_name(precision);
      EXPECT_LT(operations, 1e15) << entry.table->name << " " << precision_name(precision);
      EXPECT_EQ(probe.operations_per_s(precision), operations);
    }
    EXPECT_EQ(probe.operations_per_s(Precision::kInt4), probe.operations_per_s(Precision::kInt8));
    const double of_auto = probe.operations_per_s(Precision::kAuto);
    EXPECT_EQ(of_auto, probe.operations_per_s(resolve_precision(*entry.table, Precision::kAuto)));
  }
}

TEST(MachineProbe, ReadsAnySize) {
  ThreadPool pool(3);
  MachineProbe probe(*kernel_tables()[0].table, pool);
  for (const size_t bytes : {size_t{0}, size_t{100'003}, size_t{8} << 20}) {
    const double rate = probe.read_bytes_per_s(bytes);
    EXPECT_GT(rate, 1e6) << bytes;
    EXPECT_LT(rate, 1e14) << bytes;
    EXPECT_EQ(probe.read_bytes_per_s(bytes), rate);
  }
}

}  // namespace
}  // namespace vivace
