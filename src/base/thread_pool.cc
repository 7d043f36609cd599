#include "base/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/cpu_topology.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

// A sleeping worker needs about 40 µs to wake, the pauses inside a forward pass are shorter than this, and a pause
// between two requests is longer: spinning past it would only burn the neighbour's core.
constexpr auto kSpinTime = std::chrono::microseconds(50);
// Clock reads cost about 30 ns; one for this many pauses keeps the reaction time under that of the pause itself.
constexpr int kPausesPerClockRead = 32;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads, std::vector<int> cpus)
    : m_cpus(std::move(cpus)), m_claims(static_cast<size_t>(std::max(threads, 1))) {
  CHECK(threads >= 1);
  m_workers.reserve(static_cast<size_t>(threads) - 1);
  for (int thread = 1; thread < threads; ++thread) m_workers.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(m_callers);
    m_stop.store(true, std::memory_order_relaxed);
    m_ticket.fetch_add(1, std::memory_order_seq_cst);
    m_ticket.notify_all();
  }
  for (auto& worker : m_workers) worker.join();
}

// An empty job: the caller takes all its parts, and a worker that wakes finds none.
void ThreadPool::wake() {
  if (const auto reservation = try_reserve()) run([](int) {});
}

void ThreadPool::run_job(Job job, void* context) {
  if (m_workers.empty()) {
    job(context, 0);
    return;
  }
  const std::lock_guard lock(m_callers);
  m_job.store(job, std::memory_order_relaxed);
  m_context.store(context, std::memory_order_relaxed);
  m_unfinished.store(threads(), std::memory_order_relaxed);
  const uint32_t ticket = m_ticket.fetch_add(1, std::memory_order_seq_cst) + 1;
  m_ticket.notify_all();  // no system call unless a worker sleeps
  take_parts(ticket, 0);
  for (int spins = 0; m_unfinished.load(std::memory_order_acquire) != 0; ++spins) {
    pause_cpu();
    // With more threads than free CPUs a worker may have lost its core in the middle of a part: let it have ours.
    if (spins > 4096) std::this_thread::yield();
  }
}

// Takes a part of the job with that ticket. A worker that comes late, when the job is over, finds all its parts taken
// then or in a later job, and takes nothing: tickets only grow (and the difference stays right when they wrap around).
bool ThreadPool::claim(uint32_t ticket, int part) {
  std::atomic<uint32_t>& last = m_claims[static_cast<size_t>(part)].ticket;
  uint32_t seen = last.load(std::memory_order_relaxed);
  return static_cast<int32_t>(ticket - seen) > 0 &&
         last.compare_exchange_strong(seen, ticket, std::memory_order_acq_rel);
}

void ThreadPool::take_parts(uint32_t ticket, int first) {
  for (int i = 0; i < threads(); ++i) {
    const int part = (first + i) % threads();
    if (!claim(ticket, part)) continue;
    // Read after the claim: until this part is finished the job cannot end, and no other can begin.
    m_job.load(std::memory_order_relaxed)(m_context.load(std::memory_order_relaxed), part);
    m_unfinished.fetch_sub(1, std::memory_order_release);
  }
}

uint32_t ThreadPool::wait_for_ticket(uint32_t seen) {
  const auto deadline = Clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      const uint32_t ticket = m_ticket.load(std::memory_order_acquire);
      if (ticket != seen) return ticket;
      pause_cpu();
    }
  } while (Clock::now() < deadline);
  m_ticket.wait(seen, std::memory_order_seq_cst);
  return m_ticket.load(std::memory_order_acquire);
}

void ThreadPool::work(int thread) {
  bind_this_thread(m_cpus);
  uint32_t seen = 0;
  for (;;) {
    seen = wait_for_ticket(seen);
    if (m_stop.load(std::memory_order_relaxed)) return;
    take_parts(seen, thread);
  }
}

}  // namespace vivace
