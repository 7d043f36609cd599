#include "base/cpu_topology.h"

#include <sched.h>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace vivace {
namespace {

// Lays out the proc and sys files of a machine that does not exist.
class CpuTopologyTest : public testing::Test {
 protected:
  void SetUp() override {
    m_root = testing::TempDir() + "/vivace_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(m_root);
    std::filesystem::create_directories(m_root);
  }
  void add(const std::string& name, const std::string& content) {
    const std::string path = m_root + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << content;
  }
  CpuLimits read() const { return read_cpu_limits(m_root); }
  std::string m_root;
};

TEST_F(CpuTopologyTest, NoFilesAreNoLimit) {
  const CpuLimits limits = read();
  EXPECT_FALSE(limits.cgroup_cpus);
  EXPECT_FALSE(limits.cgroup_memory);
  EXPECT_EQ(limits.usable_threads(), static_cast<int>(limits.allowed_cpus.size()));
}

TEST_F(CpuTopologyTest, V2QuotaOfTheOwnGroup) {
  add("proc/self/cgroup", "0::/app/worker\n");
  add("sys/fs/cgroup/app/worker/cpu.max", "150000 100000\n");
  add("sys/fs/cgroup/app/worker/memory.max", "1073741824\n");
  const CpuLimits limits = read();
  EXPECT_EQ(limits.cgroup_cpus, 1.5);
  EXPECT_EQ(limits.cgroup_memory, size_t{1} << 30);
}

TEST_F(CpuTopologyTest, V2TightestAncestorCounts) {
  add("proc/self/cgroup", "0::/app/worker\n");
  add("sys/fs/cgroup/cpu.max", "400000 100000\n");
  add("sys/fs/cgroup/app/cpu.max", "50000 100000\n");
  add("sys/fs/cgroup/app/worker/cpu.max", "200000 100000\n");
  add("sys/fs/cgroup/memory.max", "1000\n");
  add("sys/fs/cgroup/app/memory.max", "max\n");
  add("sys/fs/cgroup/app/worker/memory.max", "2000\n");
  const CpuLimits limits = read();
  EXPECT_EQ(limits.cgroup_cpus, 0.5);
  EXPECT_EQ(limits.cgroup_memory, 1000u);
}

TEST_F(CpuTopologyTest, V2AtTheMountInsideAContainer) {
  add("proc/self/cgroup", "0::/\n");
  add("sys/fs/cgroup/cpu.max", "250000 100000\n");
  EXPECT_EQ(read().cgroup_cpus, 2.5);
  // Without a cgroup namespace the path is the host's, which the container does not see.
  add("proc/self/cgroup", "0::/docker/0123abc\n");
  EXPECT_EQ(read().cgroup_cpus, 2.5);
}

TEST_F(CpuTopologyTest, V2MaxIsNoLimit) {
  add("proc/self/cgroup", "0::/app\n");
  add("sys/fs/cgroup/app/cpu.max", "max 100000\n");
  add("sys/fs/cgroup/app/memory.max", "max\n");
  EXPECT_FALSE(read().cgroup_cpus);
  EXPECT_FALSE(read().cgroup_memory);
}

TEST_F(CpuTopologyTest, V1Quota) {
  add("proc/self/cgroup", "4:memory:/jobs/1\n3:cpu,cpuacct:/jobs/1\n1:name=systemd:/\n");
  add("sys/fs/cgroup/cpu/jobs/1/cpu.cfs_quota_us", "300000\n");
  add("sys/fs/cgroup/cpu/jobs/1/cpu.cfs_period_us", "100000\n");
  add("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  add("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  add("sys/fs/cgroup/memory/jobs/1/memory.limit_in_bytes", "2000000000\n");
  add("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  const CpuLimits limits = read();
  EXPECT_EQ(limits.cgroup_cpus, 3.0);
  EXPECT_EQ(limits.cgroup_memory, 2'000'000'000u);
}

TEST_F(CpuTopologyTest, V1WithoutLimits) {
  add("proc/self/cgroup", "4:memory:/\n3:cpu,cpuacct:/\n");
  add("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  add("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  add("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(read().cgroup_cpus);
  EXPECT_FALSE(read().cgroup_memory);
}

TEST_F(CpuTopologyTest, NonsenseIsNoLimit) {
  add("proc/self/cgroup", "garbage\n0::no-slash\n:\n::\n0::/app\n");
  for (const char* line : {"", "\n", "abc\n", "100000\n", "0 100000\n", "-5 100000\n", "100000 0\n", "nan nan\n"}) {
    add("sys/fs/cgroup/app/cpu.max", line);
    add("sys/fs/cgroup/app/memory.max", "-1\n");
    EXPECT_FALSE(read().cgroup_cpus) << line;
    EXPECT_FALSE(read().cgroup_memory) << line;
  }
  add("proc/self/cgroup", "0::no-slash\n");
  EXPECT_FALSE(read().cgroup_cpus);
}

TEST_F(CpuTopologyTest, AffinityIsTheProcesss) {
  cpu_set_t before;
  CPU_ZERO(&before);
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  const CpuLimits all = read();
  EXPECT_EQ(static_cast<int>(all.allowed_cpus.size()), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(all.allowed_cpus.back(), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const CpuLimits limits = read();
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(limits.allowed_cpus, std::vector<int>{all.allowed_cpus.back()});
  EXPECT_EQ(limits.usable_threads(), 1);
}

TEST(CpuLimits, ThreadsRoundTheQuotaUp) {
  CpuLimits limits;
  limits.allowed_cpus = {0, 1, 2, 3, 4, 5, 6, 7};
  const std::pair<double, int> kCases[] = {{0.01, 1}, {0.5, 1}, {1, 1},  {1.5, 2},  {2, 2},
                                           {2.1, 3},  {8, 8},   {64, 8}, {1e300, 8}};
  for (const auto& [quota, threads] : kCases) {
    limits.cgroup_cpus = quota;
    EXPECT_EQ(limits.usable_threads(), threads) << quota;
  }
  limits.cgroup_cpus.reset();
  EXPECT_EQ(limits.usable_threads(), 8);
  EXPECT_EQ(CpuLimits{}.usable_threads(), 1);
}

TEST(CpuLimits, ThisMachineHasAtLeastOneThread) {
  EXPECT_GE(read_cpu_limits().usable_threads(), 1);
}

}  // namespace
}  // namespace vivace
