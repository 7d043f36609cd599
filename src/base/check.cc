#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace vivace {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s (this is a bug in vivace, please report it)\n", file, line,
               condition);
  std::abort();
}

}  // namespace vivace
