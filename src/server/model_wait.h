// Waiting in a route's coroutine for a model to be loaded or unloaded, within the request's time.
#pragma once

#include <utility>

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "server/route.h"

namespace vivace {

// begin() gets what it has to call when it is done, on any thread. kDeadlineExceeded when that does not happen in time,
// kCancelled when stop is requested first.
boost::asio::awaitable<Result<void>> await_model(std::chrono::steady_clock::time_point deadline, std::stop_token cancel,
                                                 std::function<void(ModelRegistry::Loaded done)> begin);

// For who was told that a model is not there: it may be loading because it was asked for just now. Waits for that, at
// most until the deadline or the stop; asking the registry again tells how it ended.
boost::asio::awaitable<void> await_loading(ModelRegistry& models, std::string name, ModelKind kind,
                                           std::chrono::steady_clock::time_point deadline, std::stop_token cancel = {});

}  // namespace vivace
