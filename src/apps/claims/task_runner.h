// Background verifications: threads take tasks out of the store, where they outlive the process, and do them.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "store/evidence_store.h"

namespace vivace {

struct TaskOptions {
  int workers = 5;
  double lease_seconds = 30;   // renewed as long as the process lives; a killed one's tasks are taken over at its end
  double keep_seconds = 3600;  // results of finished tasks
  double sweep_seconds = 300;
  double poll_seconds = 1;  // for tasks that other processes added
};

class TaskRunner {
 public:
  // Gives the task's result. Calls progress(percent) as it goes; an error of progress() means that somebody else has it
  // now.
  using Work = std::function<Result<std::string>(const TaskRecord& task,
                                                 const std::function<Result<void>(uint64_t percent)>& progress,
                                                 const std::stop_token& stop)>;

  TaskRunner(EvidenceStore& store, TaskOptions options, Work work);
  ~TaskRunner();  // cancels what runs: it goes back to the queue, and this or another process does it later
  TaskRunner(const TaskRunner&) = delete;
  TaskRunner& operator=(const TaskRunner&) = delete;

  // There is a new task.
  void wake();

 private:
  void run(const std::stop_token& stop, const std::string& owner);
  bool run_one(const std::stop_token& stop, const std::string& owner);
  void renew_lease(const std::stop_token& done, const std::string& owner, const TaskRecord& task, std::mutex& mutex);
  void sweep();

  EvidenceStore& m_store;
  const TaskOptions m_options;
  const Work m_work;
  std::mutex m_mutex;
  std::condition_variable_any m_woken;
  uint64_t m_wakes = 0;  // guarded by m_mutex
  std::vector<std::jthread> m_threads;
};

}  // namespace vivace
