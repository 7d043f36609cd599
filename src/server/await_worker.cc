#include "server/await_worker.h"

#include <exception>

#include "base/log.h"
#include "server/await_callback.h"

namespace vivace {
namespace {

// As everywhere, an exception is a bug of ours and must not end the process.
Reply attempt(const std::function<Reply()>& work) {
  try {
    return work();
  } catch (const std::exception& exception) {
    log_error("a handler failed: {}", exception.what());
  }
  return std::unexpected(ApiError(StatusCode::kInternal, "the server failed; its log says why"));
}

}  // namespace

boost::asio::awaitable<Reply> await_worker(WorkerPool& workers, std::function<Reply()> work) {
  using Done = std::function<void(Reply)>;
  co_return co_await await_callback<Reply>([&](const Done& done) {
    const auto queued = workers.submit([done, work = std::move(work)] { done(attempt(work)); });
    if (!queued) done(std::unexpected(ApiError(queued.error())));
  });
}

}  // namespace vivace
