#include "server/kserve_parameters.h"

#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"

namespace vivace {
namespace {

std::unexpected<ApiError> wrong(std::string_view name, std::string_view expected) {
  ApiError error(StatusCode::kInvalidArgument, fmt::format("parameter {}: expected {}", name, expected));
  error.param = std::string(name);
  return std::unexpected(std::move(error));
}

const KserveParameter* find(const KserveParameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? nullptr : &found->second;
}

template <typename T>
ApiResult<std::optional<T>> read(const KserveParameters& parameters, std::string_view name, std::string_view expected) {
  const KserveParameter* parameter = find(parameters, name);
  if (parameter == nullptr) return std::optional<T>();
  if (const T* value = std::get_if<T>(parameter)) return std::optional<T>(*value);
  return wrong(name, expected);
}

}  // namespace

ApiResult<std::optional<bool>> flag_parameter(const KserveParameters& parameters, std::string_view name) {
  return read<bool>(parameters, name, "true or false");
}

ApiResult<std::optional<int64_t>> integer_parameter(const KserveParameters& parameters, std::string_view name,
                                                    int64_t lowest, int64_t highest) {
  const std::string expected = fmt::format("a whole number from {} to {}", lowest, highest);
  const KserveParameter* parameter = find(parameters, name);
  if (parameter == nullptr) return std::optional<int64_t>();
  // A whole number may come as a double, as in JSON.
  if (const auto* number = std::get_if<double>(parameter)) {
    constexpr double kExact = 1LL << 53;
    if (!(std::abs(*number) <= kExact) || std::trunc(*number) != *number) return wrong(name, expected);
    const KserveParameters whole = {{std::string(name), static_cast<int64_t>(*number)}};
    return integer_parameter(whole, name, lowest, highest);
  }
  const auto* value = std::get_if<int64_t>(parameter);
  if (value == nullptr || *value < lowest || *value > highest) return wrong(name, expected);
  return *value;
}

ApiResult<std::optional<double>> number_parameter(const KserveParameters& parameters, std::string_view name) {
  const KserveParameter* parameter = find(parameters, name);
  if (parameter == nullptr) return std::optional<double>();
  if (const auto* whole = std::get_if<int64_t>(parameter)) return static_cast<double>(*whole);
  const auto* number = std::get_if<double>(parameter);
  if (number == nullptr || !std::isfinite(*number)) return wrong(name, "a number");
  return *number;
}

ApiResult<std::optional<std::string>> text_parameter(const KserveParameters& parameters, std::string_view name) {
  ASSIGN_OR_RETURN(std::optional<std::string> text, read<std::string>(parameters, name, "a text"));
  if (text && find_invalid_utf8(*text) != kValidUtf8) return wrong(name, "UTF-8");
  return text;
}

ApiResult<TooLong> too_long_parameter(const KserveParameters& parameters) {
  ASSIGN_OR_RETURN(const std::optional<bool> truncate, flag_parameter(parameters, "truncate"));
  return truncate.value_or(true) ? TooLong::kTruncate : TooLong::kRefuse;
}

}  // namespace vivace
