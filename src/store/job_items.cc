// The parts of JobStore that read a job's texts and results, and its callbacks.
#include <utility>

#include "store/job_store.h"

namespace vivace {
namespace {

Result<std::vector<JobItem>> read_items(SqliteStatement& statement) {
  std::vector<JobItem> items;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, statement.step());
    if (!more) return items;
    items.push_back({.position = static_cast<uint64_t>(statement.integer(0)), .text = statement.text(1)});
  }
}

}  // namespace

Result<std::vector<JobItem>> JobStore::open_items(std::string_view id, uint64_t limit) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement statement,
                   m_database.prepare("SELECT position, text FROM job_item WHERE result IS NULL AND job_number = "
                                      "(SELECT number FROM job WHERE id = ?) ORDER BY position LIMIT ?"));
  statement.bind(id).bind(static_cast<int64_t>(limit));
  return read_items(statement);
}

Result<std::vector<JobItem>> JobStore::items(std::string_view id) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement statement,
                   m_database.prepare("SELECT position, text FROM job_item WHERE job_number = "
                                      "(SELECT number FROM job WHERE id = ?) ORDER BY position"));
  statement.bind(id);
  return read_items(statement);
}

Result<std::vector<std::string>> JobStore::results(std::string_view id) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement statement,
                   m_database.prepare("SELECT position, result FROM job_item WHERE result IS NOT NULL AND job_number = "
                                      "(SELECT number FROM job WHERE id = ?) ORDER BY position"));
  statement.bind(id);
  ASSIGN_OR_RETURN(std::vector<JobItem> rows, read_items(statement));
  std::vector<std::string> results;
  for (JobItem& row : rows) results.push_back(std::move(row.text));
  return results;
}

Result<std::optional<CallbackState>> JobStore::due_callback(int64_t now_ms) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement statement,
                   m_database.prepare("SELECT id, callback_tries FROM job WHERE callback_due_ms > 0 AND "
                                      "callback_due_ms <= ? ORDER BY callback_due_ms LIMIT 1"));
  statement.bind(now_ms);
  ASSIGN_OR_RETURN(const bool found, statement.step());
  if (!found) return std::nullopt;
  return CallbackState{.job_id = statement.text(0), .tries = statement.integer(1)};
}

Result<void> JobStore::retry_callback(std::string_view id, int64_t due_ms) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(
      SqliteStatement update,
      m_database.prepare("UPDATE job SET callback_tries = callback_tries + 1, callback_due_ms = ? WHERE id = ?"));
  update.bind(due_ms).bind(id);
  return update.run();
}

Result<void> JobStore::end_callback(std::string_view id) {
  const std::scoped_lock lock(m_mutex);
  ASSIGN_OR_RETURN(SqliteStatement update, m_database.prepare("UPDATE job SET callback_due_ms = 0 WHERE id = ?"));
  update.bind(id);
  return update.run();
}

}  // namespace vivace
