#include "store/job_store.h"

#include <array>
#include <utility>

#include "store/job_schema.h"

namespace vivace {
namespace {

constexpr std::string_view kColumns =
    "SELECT id, status, options, callback_url, error, total, done, created_ms, ended_ms, compute_ms, worker, "
    "cached FROM job ";

JobRecord read_record(const SqliteStatement& row) {
  return {.id = row.text(0),
          .status = static_cast<JobStatus>(row.integer(1)),
          .options = row.text(2),
          .callback_url = row.text(3),
          .error = row.text(4),
          .total = static_cast<uint64_t>(row.integer(5)),
          .done = static_cast<uint64_t>(row.integer(6)),
          .cached = static_cast<uint64_t>(row.integer(11)),
          .created_ms = row.integer(7),
          .ended_ms = row.integer(8),
          .compute_ms = row.real(9),
          .worker = row.text(10)};
}

int64_t number(JobStatus status) {
  return static_cast<int64_t>(status);
}

}  // namespace

std::string_view job_status_name(JobStatus status) {
  constexpr std::array<std::string_view, 5> kNames = {"pending", "processing", "complete", "failed", "cancelled"};
  return kNames[static_cast<size_t>(status)];
}

Result<std::unique_ptr<JobStore>> JobStore::open(const std::string& path) {
  ASSIGN_OR_RETURN(FileLock lock, FileLock::take(path + ".lock"));
  ASSIGN_OR_RETURN(SqliteDatabase database, SqliteDatabase::open(path));
  RETURN_IF_ERROR(migrate(database, path, job_schema()));
  return std::unique_ptr<JobStore>(new JobStore(std::move(lock), std::move(database)));
}

Result<void> JobStore::add(const JobRecord& job, std::span<const std::string> texts) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::begin(m_database));
  ASSIGN_OR_RETURN(SqliteStatement insert,
                   m_database.prepare("INSERT INTO job (id, status, options, callback_url, total, created_ms, turn) "
                                      "VALUES (?, 0, ?, ?, ?, ?, (SELECT coalesce(max(turn), 0) + 1 FROM job))"));
  insert.bind(std::string_view(job.id)).bind(std::string_view(job.options)).bind(std::string_view(job.callback_url));
  insert.bind(static_cast<int64_t>(texts.size())).bind(job.created_ms);
  RETURN_IF_ERROR(insert.run());
  ASSIGN_OR_RETURN(const int64_t owner, m_database.number("SELECT last_insert_rowid()"));
  ASSIGN_OR_RETURN(SqliteStatement item,
                   m_database.prepare("INSERT INTO job_item (job_number, position, text) VALUES (?, ?, ?)"));
  for (size_t i = 0; i < texts.size(); ++i) {
    item.bind(owner).bind(static_cast<int64_t>(i)).bind(std::string_view(texts[i]));
    RETURN_IF_ERROR(item.run());
  }
  return transaction.commit();
}

Result<std::vector<JobRecord>> JobStore::select(std::string_view condition, std::string_view text, int64_t limit) {
  ASSIGN_OR_RETURN(SqliteStatement statement, m_database.prepare(std::string(kColumns) + std::string(condition)));
  if (!text.empty()) statement.bind(text);
  statement.bind(limit);
  std::vector<JobRecord> records;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, statement.step());
    if (!more) return records;
    records.push_back(read_record(statement));
  }
}

Result<JobRecord> JobStore::find(std::string_view id) {
  const std::scoped_lock lock(m_mutex);
  if (!id.empty()) {
    ASSIGN_OR_RETURN(std::vector<JobRecord> records, select("WHERE id = ? LIMIT ?", id, 1));
    if (!records.empty()) return std::move(records.front());
  }
  return error(StatusCode::kNotFound, "Job " + std::string(id) + " not found");
}

Result<std::vector<JobRecord>> JobStore::newest(uint64_t limit) {
  const std::scoped_lock lock(m_mutex);
  return select("ORDER BY number DESC LIMIT ?", "", static_cast<int64_t>(limit));
}

Result<uint64_t> JobStore::count_unfinished() {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement statement, m_database.prepare("SELECT count(*) FROM job WHERE status < 2"));
  RETURN_IF_ERROR(statement.step());
  return static_cast<uint64_t>(statement.integer(0));
}

Result<std::optional<JobRecord>> JobStore::take_turn() {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::begin(m_database));
  ASSIGN_OR_RETURN(std::vector<JobRecord> records, select("WHERE status < 2 ORDER BY turn, number LIMIT ?", "", 1));
  if (records.empty()) return std::nullopt;
  JobRecord& job = records.front();
  ASSIGN_OR_RETURN(
      SqliteStatement update,
      m_database.prepare("UPDATE job SET status = 1, turn = (SELECT max(turn) + 1 FROM job) WHERE id = ?"));
  update.bind(std::string_view(job.id));
  RETURN_IF_ERROR(update.run());
  RETURN_IF_ERROR(transaction.commit());
  job.status = JobStatus::kProcessing;
  return std::move(job);
}

Result<void> JobStore::put_results(std::string_view id, const JobProgress& progress) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::begin(m_database));
  ASSIGN_OR_RETURN(SqliteStatement item,
                   m_database.prepare("UPDATE job_item SET result = ? WHERE position = ? AND result IS NULL AND "
                                      "job_number = (SELECT number FROM job WHERE id = ? AND status < 2)"));
  uint64_t written = 0;
  for (const JobResult& result : progress.results) {
    item.bind(std::string_view(result.result)).bind(static_cast<int64_t>(result.position)).bind(id);
    RETURN_IF_ERROR(item.run());
    written += m_database.changed_rows();
  }
  ASSIGN_OR_RETURN(SqliteStatement update,
                   m_database.prepare("UPDATE job SET done = done + ?, cached = cached + ?, compute_ms = "
                                      "compute_ms + ?, worker = ? WHERE id = ?"));
  update.bind(static_cast<int64_t>(written))
      .bind(static_cast<int64_t>(progress.cached))
      .bind(progress.compute_ms)
      .bind(std::string_view(progress.worker))
      .bind(id);
  RETURN_IF_ERROR(update.run());
  return transaction.commit();
}

Result<bool> JobStore::finish(std::string_view id, JobStatus status, std::string_view problem, int64_t now_ms) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement update,
                   m_database.prepare("UPDATE job SET status = ?, error = ?, ended_ms = ?, callback_due_ms = "
                                      "CASE WHEN callback_url = '' THEN 0 ELSE ? END WHERE id = ? AND status < 2"));
  update.bind(number(status)).bind(problem).bind(now_ms).bind(now_ms).bind(id);
  RETURN_IF_ERROR(update.run());
  return m_database.changed_rows() > 0;
}

Result<uint64_t> JobStore::remove_ended(int64_t before_ms) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement remove,
                   m_database.prepare("DELETE FROM job WHERE ended_ms > 0 AND ended_ms < ? AND callback_due_ms = 0"));
  remove.bind(before_ms);
  RETURN_IF_ERROR(remove.run());
  return m_database.changed_rows();
}

}  // namespace vivace
