// What the routes of AI-text detection share: limits, cache, counts and background jobs.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apps/detection/detection_jobs.h"
#include "apps/detection/detection_stats.h"
#include "apps/detection/detector.h"
#include "apps/detection/sentence_checks.h"
#include "base/status.h"
#include "runtime/model_registry.h"
#include "server/server_config.h"

namespace vivace {

inline constexpr char kDetectorModel[] = "detector";

class DetectionService {
 public:
  // Both must outlive the service.
  DetectionService(const ServerConfig& config, ModelRegistry& models);

  // Opens the file of jobs and goes on with them, where a detector is served. A file that cannot be used only stops the
  // job routes, with the reason.
  void open_jobs();
  // Keeps what was computed and lets go of the models. Requests that are answered meanwhile still see the jobs.
  void stop_jobs();

  // The detector on the model of that name. kUnavailable, saying which name, when there is none.
  Result<Detector> find_detector();
  Result<std::shared_ptr<DetectionJobs>> jobs() const;

  SentenceLimits limits;      // of a request
  SentenceLimits job_limits;  // of a job
  std::vector<std::string> callback_hosts;
  DetectionStats stats;

 private:
  const ServerConfig& m_config;
  ModelRegistry& m_models;
  DetectionCache m_cache;
  mutable std::mutex m_mutex;
  std::shared_ptr<DetectionJobs> m_jobs;  // guarded by m_mutex
  Status m_jobs_problem;                  // guarded by m_mutex; while there are none
};

}  // namespace vivace
