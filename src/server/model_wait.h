// Waiting in a route's coroutine for a model to be loaded or unloaded, within the request's time.
#pragma once

#include <utility>

#include <functional>

#include <boost/asio/awaitable.hpp>

#include "server/route.h"

namespace vivace {

// begin() gets what it has to call when it is done, on any thread. kDeadlineExceeded when that does not happen in time.
boost::asio::awaitable<Result<void>> await_model(const RequestContext& context,
                                                 std::function<void(ModelRegistry::Loaded done)> begin);

}  // namespace vivace
