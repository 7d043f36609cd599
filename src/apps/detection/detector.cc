#include "apps/detection/detector.h"

#include <cmath>
#include <filesystem>
#include <future>
#include <numeric>
#include <utility>

#include "apps/detection/detection_labels.h"
#include "apps/detection/detection_run.h"

namespace vivace {

double SentenceScore::average() const {
  if (probabilities.empty()) return 0;
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  return std::round(sum / static_cast<double>(probabilities.size()) * 1e4) / 1e4;
}

Result<Detector> Detector::make(std::shared_ptr<Engine> engine, DetectorOptions options) {
  if (engine->info().task != ModelTask::kTokenClassification) {
    return error(StatusCode::kUnsupported,
                 "the model in '" + engine->info().directory + "' does not classify tokens, which detection needs");
  }
  ASSIGN_OR_RETURN(const size_t label, find_ai_label(engine->info().labels, options.label));
  return Detector(std::move(engine), std::move(options), label);
}

void Detector::submit(DetectRequest request, Done done) const {
  const DetectionRun::Model model{.engine = *m_engine, .options = m_options, .label = m_label};
  std::make_shared<DetectionRun>(model, std::move(request), std::move(done))->start();
}

Result<DetectResponse> Detector::run(DetectRequest request) const {
  // Shared: the engine's thread may still be inside set_value() when the waiting one returns.
  const auto promise = std::make_shared<std::promise<Result<DetectResponse>>>();
  auto future = promise->get_future();
  submit(std::move(request), [promise](Result<DetectResponse> result) { promise->set_value(std::move(result)); });
  return future.get();
}

std::string Detector::model_version() const {
  std::filesystem::path directory = std::filesystem::path(m_engine->info().directory).lexically_normal();
  if (!directory.has_filename()) directory = directory.parent_path();
  return directory.filename().string();
}

}  // namespace vivace
