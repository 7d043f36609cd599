#include "engine/kernel_choice.h"

#include "kernels/registry.h"

namespace vivace {

Result<void> check_kernel_table(std::string_view name) {
  if (name.empty()) return {};
  RETURN_IF_ERROR(select_kernel_table(name));
  return {};
}

}  // namespace vivace
