// How many threads this process may use: the CPUs of its affinity mask, cut to what the container's CPU quota grants.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vivace {

struct CpuLimits {
  std::vector<int> allowed_cpus;        // affinity mask, ascending; at least one
  std::optional<double> cgroup_cpus;    // CPUs' worth of time granted by the cgroup; nullopt without a limit
  std::optional<size_t> cgroup_memory;  // bytes granted by the cgroup; nullopt without a limit

  // Threads to start: min(affinity, quota rounded up), at least 1. A quota of 1.5 gives 2 threads: one would waste a
  // third of what was paid for, and two are throttled only when both stay busy.
  int usable_threads() const;
};

// Reads the limits of the calling process. system_root is "/" except in tests, which lay out a proc and sys tree of
// their own. Understands cgroup v2 (cpu.max, memory.max of every ancestor: the tightest counts) and v1
// (cpu.cfs_quota_us, memory.limit_in_bytes). What cannot be read is no limit.
CpuLimits read_cpu_limits(const std::string& system_root = "/");

}  // namespace vivace
