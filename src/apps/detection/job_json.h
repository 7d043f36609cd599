// What stands in a stored job, and the job as its route answers it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apps/detection/detector.h"
#include "store/job_store.h"

namespace vivace {

struct JobOptions {
  OffsetRule rule = OffsetRule::kTrimmed;
  bool details = false;
};

std::string write_job_options(const JobOptions& options);
Result<JobOptions> read_job_options(std::string_view json);

// The result of a sentence.
std::string write_job_result(const SentenceScore& score);
Result<SentenceScore> read_job_result(std::string_view json);

// {"job_id","status","progress","total_sentences","created_at","error"?}
std::string write_job(const JobRecord& job);
// The same with "result", as the route without jobs would have answered.
Result<std::string> write_complete_job(const JobRecord& job, std::span<const JobItem> items,
                                       std::span<const std::string> results);

}  // namespace vivace
