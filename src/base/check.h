// CHECK(condition): stops the process with file and line when one of our own invariants is broken. Never for input:
// anything that comes from outside is answered with a Status.
#pragma once

namespace vivace {
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
}  // namespace vivace

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) ::vivace::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)
