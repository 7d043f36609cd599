// Where the time of a recording went, zone by zone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "telemetry/trace.h"

namespace vivace {

struct ZoneTotal {
  std::string name;
  uint64_t calls = 0;
  int64_t total_ns = 0;  // of all threads, the zones inside it included
  int64_t self_ns = 0;   // without them
};

// Of each name, the largest self_ns first. A zone lies inside another one of its thread that began no later and ended
// no earlier.
std::vector<ZoneTotal> summarize_zones(const Trace& trace);

}  // namespace vivace
