// Background jobs in one SQLite file, so that they outlive the process: a job is a list of texts, each of which gets a
// result. What a text and a result mean is the owner's.
//
// One process at a time has a file open. Every call is one transaction; thread-safe. Times are milliseconds since 1970.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "store/file_lock.h"
#include "store/sqlite_database.h"

namespace vivace {

enum class JobStatus : uint8_t { kPending, kProcessing, kComplete, kFailed, kCancelled };
std::string_view job_status_name(JobStatus status);  // "pending", …

struct JobRecord {
  std::string id;
  JobStatus status = JobStatus::kPending;
  std::string options;       // the owner's, as JSON
  std::string callback_url;  // empty: none
  std::string error;         // kFailed: why
  uint64_t total = 0;        // texts
  uint64_t done = 0;         // of them with a result
  uint64_t cached = 0;       // of these whose result was known already
  int64_t created_ms = 0;
  int64_t ended_ms = 0;   // 0: not yet
  double compute_ms = 0;  // of all turns
  std::string worker;
};

struct JobItem {
  uint64_t position = 0;
  std::string text;
};

struct JobResult {
  uint64_t position = 0;
  std::string result;
};

// What was done in a turn.
struct JobProgress {
  std::vector<JobResult> results;
  uint64_t cached = 0;  // of the results that were known already
  double compute_ms = 0;
  std::string worker;  // who did it; kept from the last turn
};

struct CallbackState {
  std::string job_id;
  int64_t tries = 0;  // that failed
};

class JobStore {
 public:
  // Opens or makes the file. kUnavailable when another process has it open; the errors of SQLite.
  static Result<std::unique_ptr<JobStore>> open(const std::string& path);

  // id, options, callback_url and created_ms are read; texts: at least one.
  Result<void> add(const JobRecord& job, std::span<const std::string> texts);
  Result<JobRecord> find(std::string_view id);            // kNotFound
  Result<std::vector<JobRecord>> newest(uint64_t limit);  // latest first
  // Those that are pending or processing.
  Result<uint64_t> count_unfinished();

  // The unfinished job that has waited longest since its last turn, now kProcessing; nullopt without any.
  Result<std::optional<JobRecord>> take_turn();
  // The first texts without a result, in order.
  Result<std::vector<JobItem>> open_items(std::string_view id, uint64_t limit);
  Result<void> put_results(std::string_view id, const JobProgress& progress);
  // All results in order.
  Result<std::vector<JobItem>> items(std::string_view id);
  Result<std::vector<std::string>> results(std::string_view id);

  // Ends an unfinished job; false when it had ended before. status: kComplete, kFailed or kCancelled.
  Result<bool> finish(std::string_view id, JobStatus status, std::string_view problem, int64_t now_ms);

  // The ended job whose callback has been due longest; nullopt when none is.
  Result<std::optional<CallbackState>> due_callback(int64_t now_ms);
  Result<void> retry_callback(std::string_view id, int64_t due_ms);  // one more try failed
  Result<void> end_callback(std::string_view id);                    // delivered, or given up

  // Removes jobs that ended before. How many.
  Result<uint64_t> remove_ended(int64_t before_ms);

 private:
  JobStore(std::optional<FileLock> lock, SqliteDatabase database)
      : m_lock(std::move(lock)), m_database(std::move(database)) {}
  Result<std::vector<JobRecord>> select(std::string_view condition, std::string_view text, int64_t limit);

  std::optional<FileLock> m_lock;
  std::mutex m_mutex;  // guards m_database
  SqliteDatabase m_database;
};

}  // namespace vivace
