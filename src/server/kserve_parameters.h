// Reading the parameters of a request of the open inference protocol: absent ones give nothing, wrong ones an error
// that names them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/request.h"
#include "server/error_table.h"
#include "server/kserve_message.h"

namespace vivace {

ApiResult<std::optional<bool>> flag_parameter(const KserveParameters& parameters, std::string_view name);
ApiResult<std::optional<int64_t>> integer_parameter(const KserveParameters& parameters, std::string_view name,
                                                    int64_t lowest, int64_t highest);
ApiResult<std::optional<double>> number_parameter(const KserveParameters& parameters, std::string_view name);
ApiResult<std::optional<std::string>> text_parameter(const KserveParameters& parameters, std::string_view name);

// "truncate".
ApiResult<TooLong> too_long_parameter(const KserveParameters& parameters);

}  // namespace vivace
