// The one pool of compute threads. The caller is thread 0 and works too; the others spin for a short while after each
// job and then sleep, so that a forward pass pays tens of nanoseconds for a fork and join, and idling costs nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace vivace {

class ThreadPool {
 public:
  // threads ≥ 1 counts the caller. Without CPUs that they are to stay on the system's scheduler places the threads.
  explicit ThreadPool(int threads, std::vector<int> cpus = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(m_workers.size()) + 1; }
  // Those that its workers stay on, and that a caller should; empty: any.
  const std::vector<int>& cpus() const { return m_cpus; }

  // Calls body(part) once for each part 0 … threads()-1 and returns when all are done. Each worker begins with its own
  // part, the caller with part 0; whoever has finished takes the parts that nobody has begun. So a worker that the
  // system has not given a core yet is not waited for. body must not throw and must not call run() on the same pool.
  // One caller at a time: concurrent callers queue up.
  template <typename Body>
  void run(Body&& body) {
    run_job([](void* context, int part) { (*static_cast<std::remove_reference_t<Body>*>(context))(part); }, &body);
  }

  // Has sleeping workers awake, and spinning, by the time that a job comes which the caller knows to be on its way.
  // Returns at once; does nothing while somebody computes.
  void wake();

  // While it is held nobody else can run() on the pool; its owner can. Empty where somebody else does or may.
  using Reservation = std::unique_lock<std::recursive_mutex>;
  Reservation try_reserve() { return {m_callers, std::try_to_lock}; }

 private:
  using Job = void (*)(void* context, int part);
  // The ticket of the last job in which somebody took this part. On a line of its own: threads poll and write it.
  struct alignas(64) Claim {
    std::atomic<uint32_t> ticket{0};
  };

  void run_job(Job job, void* context);
  void work(int thread);
  void take_parts(uint32_t ticket, int first);
  bool claim(uint32_t ticket, int part);
  uint32_t wait_for_ticket(uint32_t seen);

  // The ticket counts jobs. It has a cache line of its own, since idle workers read it without pause.
  alignas(64) std::atomic<uint32_t> m_ticket{0};
  alignas(64) std::atomic<int> m_unfinished{0};
  std::atomic<Job> m_job{nullptr};
  std::atomic<void*> m_context{nullptr};
  std::atomic<bool> m_stop{false};
  const std::vector<int> m_cpus;
  std::vector<Claim> m_claims;  // one a part
  std::recursive_mutex m_callers;
  std::vector<std::thread> m_workers;
};

}  // namespace vivace
