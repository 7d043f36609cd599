// Detection in the background: jobs from a file, computed a few sentences at a time, in turns; and the calls that tell
// somebody of their end.
//
// A job goes on where it was when the process starts again. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "apps/detection/detection_stats.h"
#include "apps/detection/detector.h"
#include "store/job_store.h"

namespace vivace {

struct DetectionJobOptions {
  std::string file;
  std::chrono::milliseconds keep{std::chrono::hours(24)};  // ended jobs
  size_t max_waiting = 1000;                               // unfinished jobs; more are refused
  size_t sentences_a_turn = 8;
  std::vector<std::string> callback_hosts;
  std::chrono::milliseconds callback_delay{1000};  // before the second try; four times as long before the third
};

struct DetectionJobRequest {
  std::vector<std::string> sentences;  // checked
  OffsetRule rule = OffsetRule::kTrimmed;
  bool details = false;
  std::string callback_url;  // checked; empty: none
};

class DetectionJobs {
 public:
  using FindDetector = std::function<Result<Detector>()>;

  // Opens the file and goes on with its jobs. find_detector is called for each turn: kUnavailable and kOverloaded are
  // waited out, other errors end the job. stats must outlive this. Errors of JobStore::open.
  static Result<std::unique_ptr<DetectionJobs>> open(DetectionJobOptions options, FindDetector find_detector,
                                                     DetectionStats& stats);
  ~DetectionJobs();  // stop()
  DetectionJobs(const DetectionJobs&) = delete;
  DetectionJobs& operator=(const DetectionJobs&) = delete;

  // Ends the threads; what was computed is kept, and the jobs can be asked for. For one thread, once or again.
  void stop();

  Result<JobRecord> submit(const DetectionJobRequest& request);  // kOverloaded when too many wait
  Result<JobRecord> find(std::string_view id) { return m_store->find(id); }
  Result<std::vector<JobRecord>> newest(size_t limit) { return m_store->newest(limit); }
  // kNotFound; kInvalidArgument when it has ended already.
  Result<JobRecord> cancel(std::string_view id);
  // The job as GET /jobs/{id} answers it, with the result when it is complete.
  Result<std::string> describe(std::string_view id);

 private:
  DetectionJobs(DetectionJobOptions options, FindDetector find_detector, DetectionStats& stats,
                std::unique_ptr<JobStore> store);
  void work(const std::stop_token& stop);
  void run_turn(const JobRecord& job, const std::stop_token& stop);
  // False when the job was cancelled, or this is to stop, before it could be done.
  Result<bool> compute(const JobRecord& job, const Detector& detector, std::vector<JobItem> items,
                       const std::stop_token& stop);
  void end(const std::string& id, JobStatus status, std::string_view problem);
  void call_back(const std::stop_token& stop);
  Result<void> deliver(const CallbackState& callback);
  void expire();
  void show_waiting();
  // Until woken, the time is over, or stop.
  void wait(const std::stop_token& stop, std::chrono::milliseconds time);

  DetectionJobOptions m_options;
  FindDetector m_find_detector;
  DetectionStats& m_stats;
  std::unique_ptr<JobStore> m_store;

  std::mutex m_mutex;  // guards what follows
  std::condition_variable_any m_changed;
  uint64_t m_changes = 0;
  std::string m_running;  // id of the job whose turn it is
  std::stop_source m_cancel;

  std::jthread m_worker;
  std::jthread m_caller;
};

}  // namespace vivace
