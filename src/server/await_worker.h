// Work that blocks (for a model, a database) as a coroutine of a connection awaits it: on one of a pool's threads, so
// that no thread of the connections ever waits.
#pragma once

#include <utility>

#include <chrono>
#include <functional>

#include <boost/asio/awaitable.hpp>

#include "server/route.h"
#include "server/worker_pool.h"

namespace vivace {

// What work() answers, or why it was not begun: the pool would not take it (kOverloaded, kUnavailable), or it still
// waited for a thread at the deadline (kDeadlineExceeded). Work that has begun is waited for. What work refers to must
// live until then: a coroutine that awaits this at once may give it its own variables.
boost::asio::awaitable<Reply> await_worker(WorkerPool& workers, std::chrono::steady_clock::time_point deadline,
                                           std::function<Reply()> work);

// A handler that blocks as one that a connection can wait for.
template <Reply (*kHandler)(const RequestContext&)>
boost::asio::awaitable<Reply> aside(RequestContext& context) {
  return await_worker(*context.server.workers, context.deadline, [&context] { return kHandler(context); });
}

}  // namespace vivace
