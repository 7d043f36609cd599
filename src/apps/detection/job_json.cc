#include "apps/detection/job_json.h"

#include <chrono>

#include <fmt/chrono.h>

#include "apps/detection/detection_json.h"
#include "base/json.h"

namespace vivace {
namespace {

std::string iso_time(int64_t ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

void write_job_members(const JobRecord& job, JsonWriter* json) {
  json->key("job_id").value(job.id).key("status").value(job_status_name(job.status));
  json->key("progress").value(job.total == 0 ? 0.0 : static_cast<double>(job.done) / static_cast<double>(job.total));
  json->key("total_sentences").value(job.total).key("created_at").value(iso_time(job.created_ms));
  if (!job.error.empty()) json->key("error").value(job.error);
}

}  // namespace

std::string write_job_options(const JobOptions& options) {
  JsonWriter json;
  json.begin_object().key("compat_offsets").value(options.rule == OffsetRule::kCompatible);
  return json.key("details").value(options.details).end_object().take();
}

Result<JobOptions> read_job_options(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(text, "stored job"));
  ASSIGN_OR_RETURN(const bool compatible, document.root().bool_or("compat_offsets", false));
  ASSIGN_OR_RETURN(const bool details, document.root().bool_or("details", false));
  return JobOptions{.rule = compatible ? OffsetRule::kCompatible : OffsetRule::kTrimmed, .details = details};
}

std::string write_job_result(const SentenceScore& score) {
  JsonWriter json;
  json.begin_object().key("probabilities");
  write_probabilities(score, &json);
  json.key("truncated_words").value(static_cast<uint64_t>(score.truncated_words));
  return json.end_object().take();
}

Result<SentenceScore> read_job_result(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(text, "stored result"));
  const JsonValue root = document.root();
  SentenceScore score;
  ASSIGN_OR_RETURN(const JsonValue list, root.get("probabilities"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> probabilities, list.as_array());
  for (const JsonValue& probability : probabilities) {
    ASSIGN_OR_RETURN(const double value, probability.as_double());
    score.probabilities.push_back(value);
  }
  ASSIGN_OR_RETURN(const int64_t truncated, root.integer_or("truncated_words", 0, 0, INT64_MAX));
  score.truncated_words = static_cast<size_t>(truncated);
  return score;
}

std::string write_job(const JobRecord& job) {
  JsonWriter json;
  json.begin_object();
  write_job_members(job, &json);
  return json.end_object().take();
}

Result<std::string> write_complete_job(const JobRecord& job, std::span<const JobItem> items,
                                       std::span<const std::string> results) {
  if (items.size() != results.size()) return error(StatusCode::kInternal, "a stored job lacks results");
  DetectionAnswer answer;
  ASSIGN_OR_RETURN(const JobOptions options, read_job_options(job.options));
  answer.details = options.details;
  answer.model_version = job.worker;
  answer.processing_ms = job.compute_ms;
  answer.cached = job.cached;
  for (size_t i = 0; i < items.size(); ++i) {
    answer.sentences.push_back(items[i].text);
    ASSIGN_OR_RETURN(SentenceScore score, read_job_result(results[i]));
    answer.scores.push_back(std::move(score));
  }
  JsonWriter json;
  json.begin_object();
  write_job_members(job, &json);
  json.key("result");
  write_answer(answer, &json);
  return json.end_object().take();
}

}  // namespace vivace
