#include "base/cpu_topology.h"

#include <sched.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

namespace vivace {
namespace {

// cgroup v1 writes "no limit" as a number near 2^63.
constexpr double kNoMemoryLimit = 1e18;
constexpr double kMostCacheKilobytes = 1e9;  // more is nonsense

std::string read_first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

void keep_smaller(std::optional<double>* limit, std::optional<double> candidate) {
  if (candidate && *candidate > 0 && (!*limit || *candidate < **limit)) *limit = candidate;
}

// cpu.max holds "max 100000" or "150000 100000": microseconds of CPU time per period.
std::optional<double> read_v2_quota(const std::string& folder) {
  std::istringstream line(read_first_line(folder + "/cpu.max"));
  std::string quota;
  std::string period;
  line >> quota >> period;
  const auto used = parse_number(quota);
  const auto per = parse_number(period);
  if (!used || !per || *per <= 0) return std::nullopt;
  return *used / *per;
}

std::optional<double> read_v1_quota(const std::string& folder) {
  const auto quota = parse_number(read_first_line(folder + "/cpu.cfs_quota_us"));
  const auto period = parse_number(read_first_line(folder + "/cpu.cfs_period_us"));
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

std::optional<double> read_memory(const std::string& file) {
  const auto bytes = parse_number(read_first_line(file));
  if (!bytes || *bytes > kNoMemoryLimit) return std::nullopt;
  return bytes;
}

// The folder of a cgroup and all above it, inside a mount point: "/sys/fs/cgroup" + "/a/b", then "/a", then "".
std::vector<std::string> with_ancestors(const std::string& mount, std::string path) {
  std::vector<std::string> folders;
  while (path.size() > 1 && path.front() == '/') {
    folders.push_back(mount + path);
    path.erase(path.find_last_of('/'));
  }
  folders.push_back(mount);
  return folders;
}

struct CgroupPaths {
  std::string unified = "/";  // v2
  std::string cpu = "/";      // v1
  std::string memory = "/";   // v1
};

// /proc/self/cgroup has lines "0::/path" (v2) and "4:cpu,cpuacct:/path" (v1).
CgroupPaths read_cgroup_paths(const std::string& root) {
  CgroupPaths paths;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") paths.unified = path;
    if (controllers.find(",cpu,") != std::string::npos) paths.cpu = path;
    if (controllers.find(",memory,") != std::string::npos) paths.memory = path;
  }
  return paths;
}

std::vector<int> read_affinity() {
  std::vector<int> cpus;
  // The system refuses a mask shorter than its own; a cpu_set_t has 1024 bits, the largest machines more.
  for (size_t sets = 1; sets <= 64 && cpus.empty(); sets *= 2) {
    std::vector<cpu_set_t> mask(sets);
    const size_t bytes = sets * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, mask.data()) != 0) continue;
    for (size_t cpu = 0; cpu < bytes * 8; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, mask.data())) cpus.push_back(static_cast<int>(cpu));
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

// A list as the kernel writes it: "0-3,8,10-11".
std::vector<int> parse_cpu_list(std::string_view text) {
  constexpr int kMostCpus = 1 << 16;
  std::vector<int> cpus;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const size_t dash = part.find('-');
    const auto first = parse_number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *last >= kMostCpus) continue;
    for (int cpu = static_cast<int>(*first); cpu <= static_cast<int>(*last); ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

// The allowed CPUs by node, in the order of the nodes' numbers; all in one where a CPU belongs to none or to two.
std::vector<std::vector<int>> read_nodes(const std::string& root, const std::vector<int>& allowed) {
  std::map<double, std::vector<int>> by_number;
  size_t found = 0;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/sys/devices/system/node", missing)) {
    const std::string name = entry.path().filename();
    const auto number = name.starts_with("node") ? parse_number(std::string_view(name).substr(4)) : std::nullopt;
    if (!number) continue;
    std::vector<int> cpus = parse_cpu_list(read_first_line(entry.path() / "cpulist"));
    std::erase_if(cpus, [&](int cpu) { return !std::ranges::binary_search(allowed, cpu); });
    found += cpus.size();
    if (!cpus.empty()) by_number.emplace(*number, std::move(cpus));
  }
  if (found != allowed.size()) return {allowed};
  std::vector<std::vector<int>> nodes;
  for (auto& [number, cpus] : by_number) nodes.push_back(std::move(cpus));
  return nodes;
}

}  // namespace

int CpuLimits::usable_threads() const {
  auto threads = static_cast<double>(allowed_cpus.size());
  if (cgroup_cpus) threads = std::min(threads, std::ceil(*cgroup_cpus));
  return std::max(static_cast<int>(threads), 1);
}

std::vector<ThreadGroup> group_threads(const CpuLimits& limits, int threads) {
  if (threads <= 0) threads = limits.usable_threads();
  std::vector<std::vector<int>> nodes = limits.nodes;
  std::ranges::stable_sort(nodes, [](const auto& a, const auto& b) { return a.size() > b.size(); });
  size_t cpus = 0;
  size_t needed = 0;  // nodes
  while (needed < nodes.size() && cpus < static_cast<size_t>(threads)) cpus += nodes[needed++].size();
  if (needed < 2) return {{threads, {}}};
  std::vector<ThreadGroup> groups;
  for (size_t i = 0; i < needed; ++i) {
    // What is left, shared out among the nodes that are left.
    const auto share = static_cast<double>(threads) * static_cast<double>(nodes[i].size()) / static_cast<double>(cpus);
    const int later_nodes = static_cast<int>(needed - i) - 1;
    groups.push_back({std::clamp(static_cast<int>(std::lround(share)), 1, threads - later_nodes), nodes[i]});
    threads -= groups.back().threads;
    cpus -= nodes[i].size();
  }
  return groups;
}

void bind_this_thread(std::span<const int> cpus) {
  if (cpus.empty()) return;
  const int highest = *std::ranges::max_element(cpus);
  std::vector<cpu_set_t> mask(static_cast<size_t>(highest) / CPU_SETSIZE + 1);
  const size_t bytes = mask.size() * sizeof(cpu_set_t);
  for (const int cpu : cpus) CPU_SET_S(static_cast<size_t>(cpu), bytes, mask.data());
  ::sched_setaffinity(0, bytes, mask.data());
}

CpuLimits read_cpu_limits(const std::string& system_root) {
  const std::string root = system_root == "/" ? "" : system_root;
  const CgroupPaths paths = read_cgroup_paths(root);
  const std::string mount = root + "/sys/fs/cgroup";
  std::optional<double> cpus;
  std::optional<double> memory;
  for (const auto& folder : with_ancestors(mount, paths.unified)) {
    keep_smaller(&cpus, read_v2_quota(folder));
    keep_smaller(&memory, read_memory(folder + "/memory.max"));
  }
  for (const auto& folder : with_ancestors(mount + "/cpu", paths.cpu)) keep_smaller(&cpus, read_v1_quota(folder));
  for (const auto& folder : with_ancestors(mount + "/memory", paths.memory)) {
    keep_smaller(&memory, read_memory(folder + "/memory.limit_in_bytes"));
  }
  CpuLimits limits;
  limits.allowed_cpus = read_affinity();
  limits.nodes = read_nodes(root, limits.allowed_cpus);
  limits.cgroup_cpus = cpus;
  if (memory) limits.cgroup_memory = static_cast<size_t>(*memory);
  return limits;
}

size_t last_level_cache_bytes(const std::string& system_root) {
  const std::string root = system_root == "/" ? "" : system_root;
  double largest = 0;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/sys/devices/system/cpu/cpu0/cache", missing)) {
    const std::string size = read_first_line(entry.path() / "size");  // "32768K"
    if (size.ends_with('K')) largest = std::max(largest, parse_number(size).value_or(0));
  }
  return largest > kMostCacheKilobytes ? 0 : static_cast<size_t>(largest) * 1024;
}

// A quarter is left to what else is read and to neighbours. A very large cache belongs to a whole socket, of which a
// container has a part.
bool stays_in_cache(size_t bytes, size_t last_level_cache_bytes) {
  constexpr size_t kMostToHopeFor = size_t{48} << 20;
  return bytes <= std::min(last_level_cache_bytes, kMostToHopeFor) / 4 * 3;
}

}  // namespace vivace
