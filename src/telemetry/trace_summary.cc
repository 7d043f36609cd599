#include "telemetry/trace_summary.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace vivace {
namespace {

struct OpenZone {
  int64_t end_ns;
  ZoneTotal* total;
};

}  // namespace

std::vector<ZoneTotal> summarize_zones(const Trace& trace) {
  std::map<std::string_view, ZoneTotal> totals;
  std::map<int, std::vector<OpenZone>> open;  // of each thread, the innermost last
  for (const TraceEvent& event : trace.events) {
    std::vector<OpenZone>& zones = open[event.thread];
    while (!zones.empty() && zones.back().end_ns < event.begin_ns + event.duration_ns) zones.pop_back();
    if (!zones.empty()) zones.back().total->self_ns -= event.duration_ns;
    ZoneTotal& total = totals[event.name];
    ++total.calls;
    total.total_ns += event.duration_ns;
    total.self_ns += event.duration_ns;
    zones.push_back({event.begin_ns + event.duration_ns, &total});
  }
  std::vector<ZoneTotal> sorted;
  for (auto& [name, total] : totals) {
    total.name = name;
    sorted.push_back(std::move(total));
  }
  std::ranges::stable_sort(sorted, std::greater(), &ZoneTotal::self_ns);
  return sorted;
}

}  // namespace vivace
