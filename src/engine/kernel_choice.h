// Whether the kernels that a user names can compute here: for those who check settings before anything is loaded.
#pragma once

#include <string_view>

#include "base/status.h"

namespace vivace {

// kInvalidArgument for a kernel table that this build lacks, kUnsupported for one that this CPU cannot run; empty: any.
Result<void> check_kernel_table(std::string_view name);

}  // namespace vivace
