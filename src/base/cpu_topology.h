// How many threads this process may use: the CPUs of its affinity mask, cut to what the container's CPU quota grants.
// And where: which CPUs share a memory.
#pragma once

#include <future>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vivace {

struct CpuLimits {
  std::vector<int> allowed_cpus;        // affinity mask, ascending; at least one
  std::vector<std::vector<int>> nodes;  // the allowed CPUs of each NUMA node that has some; at least one node
  std::optional<double> cgroup_cpus;    // CPUs' worth of time granted by the cgroup; nullopt without a limit
  std::optional<size_t> cgroup_memory;  // bytes granted by the cgroup; nullopt without a limit

  // Threads to start: min(affinity, quota rounded up), at least 1. A quota of 1.5 gives 2 threads: one would waste a
  // third of what was paid for, and two are throttled only when both stay busy.
  int usable_threads() const;
};

// Threads that stay on some CPUs; on any, where there are none.
struct ThreadGroup {
  int threads = 1;
  std::vector<int> cpus;
};

// So many threads (0: all usable ones) on as many NUMA nodes as they need, in proportion to the nodes' CPUs. Where one
// node has enough CPUs for all of them they are left to the system: its scheduler knows the neighbours, we do not.
std::vector<ThreadGroup> group_threads(const CpuLimits& limits, int threads);

// From now on the calling thread, and those that it starts, run on these CPUs; on any, where there are none. What
// memory it is the first to touch lies beside them. A system that refuses is left to place the thread.
void bind_this_thread(std::span<const int> cpus);

// What body() answers on a thread of its own that is bound to these CPUs.
template <typename Body>
auto run_on(std::span<const int> cpus, Body body) {
  return std::async(std::launch::async,
                    [&] {
                      bind_this_thread(cpus);
                      return body();
                    })
      .get();
}

// Reads the limits of the calling process. system_root is "/" except in tests, which lay out a proc and sys tree of
// their own. Understands cgroup v2 (cpu.max, memory.max of every ancestor: the tightest counts) and v1
// (cpu.cfs_quota_us, memory.limit_in_bytes). What cannot be read is no limit, and no node.
CpuLimits read_cpu_limits(const std::string& system_root = "/");

// Bytes of the largest cache that the first CPU reads through; 0: unknown. Others may use it too.
size_t last_level_cache_bytes(const std::string& system_root = "/");

// Whether so many bytes that are read again and again are likely to stay in it.
bool stays_in_cache(size_t bytes, size_t last_level_cache_bytes);

}  // namespace vivace
