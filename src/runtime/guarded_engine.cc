#include "runtime/guarded_engine.h"

#include <chrono>
#include <utility>

namespace vivace {
namespace {

using Clock = CircuitBreaker::Clock;

// The breaker first: the call is over before it.
struct Ticket {
  std::shared_ptr<CircuitBreaker> breaker;
  CircuitBreaker::Call call;
  bool lateness_counts = false;

  void tell(const Status* problem) {
    if (problem == nullptr) return call.succeeded(Clock::now());
    const bool late = problem->code == StatusCode::kDeadlineExceeded && lateness_counts;
    if (late || is_model_failure(problem->code)) call.failed(Clock::now());
  }
};

}  // namespace

bool is_model_failure(StatusCode code) {
  return code == StatusCode::kInternal || code == StatusCode::kCorruptFile;
}

GuardedEngine::GuardedEngine(std::shared_ptr<Engine> engine, std::shared_ptr<CircuitBreaker> breaker,
                             double slow_seconds)
    : m_engine(std::move(engine)), m_breaker(std::move(breaker)), m_slow_seconds(slow_seconds) {}

// Whether the call may go on; else it was answered.
template <typename Request>
bool GuardedEngine::guard(Call<Request>& call) {
  const auto now = Clock::now();
  auto begun = m_breaker->begin(now);
  if (!begun) {
    call.done(std::unexpected(std::move(begun).error()));
    return false;
  }
  const auto& deadline = call.request.deadline;
  const bool lateness_counts =
      deadline.has_value() && std::chrono::duration<double>(*deadline - now).count() >= m_slow_seconds;
  auto ticket = std::make_shared<Ticket>(m_breaker, std::move(*begun), lateness_counts);
  call.done = [ticket = std::move(ticket), done = std::move(call.done)](Result<typename Request::Response> response) {
    ticket->tell(response ? nullptr : &response.error());
    done(std::move(response));
  };
  return true;
}

void GuardedEngine::submit_call(AnyCall call) {
  const bool goes_on = std::visit([this](auto& one) { return guard(one); }, call);
  if (goes_on) m_engine->submit_call(std::move(call));
}

}  // namespace vivace
