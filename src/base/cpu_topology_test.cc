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

// A node without memory of ours, one without CPUs that we may use, and files that are no nodes.
TEST_F(CpuTopologyTest, NodesOfTheAllowedCpus) {
  const std::vector<int> allowed = read().allowed_cpus;
  EXPECT_EQ(read().nodes, std::vector<std::vector<int>>{allowed});
  const int last = allowed.back();
  add("sys/devices/system/node/node0/cpulist", "60000-60007\n");
  add("sys/devices/system/node/node10/cpulist", std::to_string(last) + "\n");
  std::string others = "60008,";
  for (const int cpu : allowed) others += cpu == last ? "" : std::to_string(cpu) + "-" + std::to_string(cpu) + ",";
  add("sys/devices/system/node/node2/cpulist", others + "\n");
  add("sys/devices/system/node/possible", "0-10\n");
  const std::vector<std::vector<int>> nodes = read().nodes;
  ASSERT_EQ(nodes.size(), allowed.size() > 1 ? 2U : 1U);
  EXPECT_EQ(nodes.back(), std::vector<int>{last});
  EXPECT_EQ(nodes.front().size(), nodes.size() > 1 ? allowed.size() - 1 : 1U);
}

TEST_F(CpuTopologyTest, NodesThatMakeNoSenseAreOneNode) {
  const std::vector<int> allowed = read().allowed_cpus;
  for (const char* list : {"", "nonsense", "-1", "5-", "60000-99999999999"}) {
    add("sys/devices/system/node/node0/cpulist", list);
    EXPECT_EQ(read().nodes, std::vector<std::vector<int>>{allowed}) << list;
  }
  for (const char* node : {"node0", "node1"}) {  // a CPU in two nodes
    add(std::string("sys/devices/system/node/") + node + "/cpulist", "0-1000");
  }
  EXPECT_EQ(read().nodes, std::vector<std::vector<int>>{allowed});
}

CpuLimits machine_of(std::vector<std::vector<int>> nodes) {
  CpuLimits limits;
  for (const auto& cpus : nodes) limits.allowed_cpus.insert(limits.allowed_cpus.end(), cpus.begin(), cpus.end());
  limits.nodes = std::move(nodes);
  return limits;
}

std::vector<int> threads_of(const std::vector<ThreadGroup>& groups) {
  std::vector<int> threads;
  for (const ThreadGroup& group : groups) threads.push_back(group.threads);
  return threads;
}

TEST(ThreadGroups, AreAsManyAsTheThreadsNeed) {
  const CpuLimits two = machine_of({{0, 1, 2, 3}, {4, 5, 6, 7}});
  EXPECT_EQ(threads_of(group_threads(two, 0)), (std::vector<int>{4, 4}));
  EXPECT_EQ(group_threads(two, 0)[1].cpus, (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(threads_of(group_threads(two, 5)), (std::vector<int>{3, 2}));
  EXPECT_EQ(threads_of(group_threads(two, 20)), (std::vector<int>{10, 10}));
  // One node has room for them: they may run anywhere.
  for (const int threads : {1, 4}) {
    const auto groups = group_threads(two, threads);
    EXPECT_EQ(threads_of(groups), std::vector<int>{threads});
    EXPECT_TRUE(groups[0].cpus.empty());
  }
  CpuLimits granted = two;
  granted.cgroup_cpus = 3.5;
  EXPECT_EQ(threads_of(group_threads(granted, 0)), std::vector<int>{4});
  const CpuLimits uneven = machine_of({{0}, {1, 2, 3, 4, 5, 6}, {7, 8}});
  EXPECT_EQ(threads_of(group_threads(uneven, 0)), (std::vector<int>{6, 2, 1}));
  EXPECT_EQ(threads_of(group_threads(uneven, 7)), (std::vector<int>{5, 2}));
  EXPECT_EQ(threads_of(group_threads(machine_of({{0}}), 3)), std::vector<int>{3});
  EXPECT_EQ(threads_of(group_threads(CpuLimits{}, 0)), std::vector<int>{1});
}

TEST(RunOn, StaysOnTheCpus) {
  const std::vector<int> allowed = read_cpu_limits().allowed_cpus;
  const std::vector<int> last = {allowed.back()};
  EXPECT_EQ(run_on(last, [] { return ::sched_getcpu(); }), allowed.back());
  EXPECT_EQ(run_on(last, [] { return read_cpu_limits().allowed_cpus; }), last);
  EXPECT_EQ(run_on({}, [] { return read_cpu_limits().allowed_cpus; }), allowed);
  EXPECT_EQ(read_cpu_limits().allowed_cpus, allowed);  // the caller may run as before
}

TEST_F(CpuTopologyTest, LastLevelCacheIsTheLargest) {
  EXPECT_EQ(last_level_cache_bytes(m_root), 0);
  const std::string caches = "sys/devices/system/cpu/cpu0/cache/";
  add(caches + "index0/size", "32K\n");
  add(caches + "index3/size", "32768K\n");
  add(caches + "index2/size", "1024K\n");
  EXPECT_EQ(last_level_cache_bytes(m_root), size_t{32} << 20);
}

TEST_F(CpuTopologyTest, CacheSizesThatMakeNoSenseAreUnknown) {
  const std::string size = "sys/devices/system/cpu/cpu0/cache/index3/size";
  for (const char* nonsense : {"", "\n", "K\n", "-5K\n", "32768\n", "nanK\n", "infK\n", "1e30K\n"}) {
    add(size, nonsense);
    EXPECT_EQ(last_level_cache_bytes(m_root), 0) << nonsense;
  }
}

TEST(StaysInCache, ThreeQuartersOfWhatOneMayHopeFor) {
  constexpr size_t kMiB = size_t{1} << 20;
  EXPECT_TRUE(stays_in_cache(24 * kMiB, 32 * kMiB));
  EXPECT_FALSE(stays_in_cache(24 * kMiB + 1, 32 * kMiB));
  EXPECT_FALSE(stays_in_cache(40 * kMiB, 320 * kMiB)) << "a socket's";
  EXPECT_FALSE(stays_in_cache(1, 0)) << "unknown";
}

TEST(CpuLimits, ThisMachineHasAtLeastOneThread) {
  EXPECT_GE(read_cpu_limits().usable_threads(), 1);
}

}  // namespace
}  // namespace vivace
