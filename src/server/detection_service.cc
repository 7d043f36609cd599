#include "server/detection_service.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/log.h"

namespace vivace {
namespace {

constexpr char kNoDetector[] =
    "there is no model named 'detector', which detection needs; start the server with --model detector=DIR";

// Names of hosts, in lower case as those of addresses that are read.
std::vector<std::string> split_hosts(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) {
    std::erase(item, ' ');
    std::ranges::transform(item, item.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!item.empty()) items.push_back(item);
  }
  return items;
}

// https://specifications.freedesktop.org/basedir-spec: state that outlives restarts.
std::string default_jobs_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder = ".";
  if (state != nullptr && *state == '/') {
    folder = std::filesystem::path(state) / "vivace";
  } else if (home != nullptr && *home == '/') {
    folder = std::filesystem::path(home) / ".local" / "state" / "vivace";
  }
  std::error_code ignored;  // opening the file tells what is wrong
  std::filesystem::create_directories(folder, ignored);
  return (folder / "detection-jobs.db").string();
}

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

}  // namespace

DetectionService::DetectionService(const ServerConfig& config, ModelRegistry& models)
    : limits{.max_sentences = static_cast<size_t>(config.detection_max_sentences),
             .max_words = static_cast<size_t>(config.detection_max_words)},
      job_limits{.max_sentences = static_cast<size_t>(config.detection_max_job_sentences),
                 .max_words = static_cast<size_t>(config.detection_max_words)},
      callback_hosts(split_hosts(config.detection_callback_hosts)),
      m_config(config),
      m_models(models),
      m_cache(static_cast<size_t>(config.detection_cache_bytes)),
      m_jobs_problem{StatusCode::kUnavailable, kNoDetector, kRetryAfterAPersonSeconds} {}

void DetectionService::open_jobs() {
  const bool served = std::ranges::any_of(m_config.models, [](const ModelSpec& m) { return m.name == kDetectorModel; });
  if (!served) return;
  DetectionJobOptions options;
  options.file = m_config.detection_jobs_file.empty() ? default_jobs_file() : m_config.detection_jobs_file;
  options.keep = milliseconds(m_config.detection_job_hours * 3600);
  options.max_waiting = static_cast<size_t>(m_config.detection_max_jobs);
  options.callback_hosts = callback_hosts;
  options.callback_delay = milliseconds(m_config.detection_callback_delay_seconds);
  const std::string file = options.file;
  auto jobs = DetectionJobs::open(std::move(options), [this] { return find_detector(); }, stats);
  const std::scoped_lock lock(m_mutex);
  if (jobs) {
    m_jobs = std::move(*jobs);
    return log_info("detection jobs are kept in '{}'", file);
  }
  m_jobs_problem = {StatusCode::kUnavailable, jobs.error().message + "; name another file with detection_jobs_file",
                    kRetryAfterAPersonSeconds};
  log_warning("no detection jobs: {}", m_jobs_problem.message);
}

Result<Detector> DetectionService::find_detector() {
  auto engine = m_models.find(kDetectorModel);
  if (!engine && engine.error().code == StatusCode::kNotFound) {
    return error(StatusCode::kUnavailable, kNoDetector, kRetryAfterAPersonSeconds);
  }
  if (!engine) return std::unexpected(std::move(engine).error());
  return Detector::make(std::move(*engine),
                        {.max_batch_tokens = static_cast<size_t>(m_config.detection_max_batch_tokens),
                         .max_batch_sequences = static_cast<size_t>(m_config.detection_inference_batch_size),
                         .label = m_config.detection_label,
                         .cache = &m_cache});
}

void DetectionService::stop_jobs() {
  std::shared_ptr<DetectionJobs> jobs;
  {
    const std::scoped_lock lock(m_mutex);
    jobs = std::move(m_jobs);
  }
  if (jobs != nullptr) jobs->stop();
}

Result<std::shared_ptr<DetectionJobs>> DetectionService::jobs() const {
  const std::scoped_lock lock(m_mutex);
  if (m_jobs == nullptr) return std::unexpected(m_jobs_problem);
  return m_jobs;
}

}  // namespace vivace
