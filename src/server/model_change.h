// Loading and unloading a model because its administrator says so, for the routes of each API.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/route.h"

namespace vivace {

enum class ModelChange { kLoad, kUnload };

// Changes the model that the path names and waits until it is done, within the request's time. The registry's errors;
// kNotFound for an unknown name.
boost::asio::awaitable<ApiResult<void>> change_model(RequestContext& context, ModelChange change);

}  // namespace vivace
