// The tasks of SqliteStore.
#include <fmt/format.h>

#include "store/sqlite_store.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

// Seconds since 1970 with their fraction: Debian 12's SQLite has no unixepoch('subsec') yet.
constexpr char kNow[] = "((julianday('now') - 2440587.5) * 86400.0)";

constexpr char kColumns[] =
    "id, tenant_id, claim_id, status, request, result, error, progress, created_at, completed_at";

// That nobody works on.
std::string is_open() {
  return fmt::format("(status = 'pending' OR (status = 'processing' AND lease_until < {}))", kNow);
}

Result<TaskRecord> read_task(const SqliteStatement& row) {
  TaskRecord task;
  task.id = row.text(0);
  task.tenant = row.text(1);
  task.claim_id = row.text(2);
  ASSIGN_OR_RETURN(task.status, parse_task_status(row.text(3)));
  task.request = row.text(4);
  task.result = row.text(5);
  task.error = row.text(6);
  task.progress = static_cast<uint64_t>(row.integer(7));
  task.created_at = row.text(8);
  task.completed_at = row.text(9);
  return task;
}

}  // namespace

Result<void> SqliteStore::add_task(const TaskRecord& task) {
  RETURN_IF_ERROR(check_task(task));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  ASSIGN_OR_RETURN(SqliteStatement insert,
                   m_writer.prepare("INSERT INTO task (tenant_id, id, claim_id, status, request) "
                                    "VALUES (?, ?, ?, 'pending', ?) ON CONFLICT (tenant_id, id) DO NOTHING"));
  RETURN_IF_ERROR(insert.bind(task.tenant).bind(task.id).bind(task.claim_id).bind(task.request).run());
  if (m_writer.changed_rows() == 0) {
    return error(StatusCode::kInvalidArgument, fmt::format("there is a task with id '{}' already", task.id));
  }
  return write.transaction.commit();
}

Result<TaskRecord> SqliteStore::task(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("task id", id));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare(fmt::format("SELECT {} FROM task WHERE tenant_id = ? AND id = ?", kColumns)));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).bind(id).step());
  if (!found) return error(StatusCode::kNotFound, fmt::format("no task with id '{}'", id));
  return read_task(select);
}

Result<TaskRecord> SqliteStore::task_of_claim(std::string_view tenant, std::string_view claim_id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", claim_id));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare(fmt::format("SELECT {} FROM task WHERE tenant_id = ? AND claim_id = ? "
                                                "ORDER BY number DESC LIMIT 1",
                                                kColumns)));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).bind(claim_id).step());
  if (!found) return error(StatusCode::kNotFound, fmt::format("claim '{}' has no task", claim_id));
  return read_task(select);
}

Result<bool> SqliteStore::has_open_task() {
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare(fmt::format("SELECT 1 FROM task WHERE {} LIMIT 1", is_open())));
  return select.step();
}

Result<std::optional<TaskRecord>> SqliteStore::take_task(std::string_view owner, double lease_seconds) {
  RETURN_IF_ERROR(check_id("owner", owner));
  {
    // Mostly there is nothing to do: no reason to wait for those who write.
    const std::lock_guard lock(m_read_mutex);
    ASSIGN_OR_RETURN(const bool open, has_open_task());
    if (!open) return std::nullopt;
  }
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  ASSIGN_OR_RETURN(
      SqliteStatement take,
      m_writer.prepare(fmt::format(
          "UPDATE task SET status = 'processing', owner = ?, lease_until = {} + ? WHERE number = (SELECT number "
          "FROM task WHERE {} ORDER BY number LIMIT 1) RETURNING {}",
          kNow, is_open(), kColumns)));
  ASSIGN_OR_RETURN(const bool found, take.bind(owner).bind(lease_seconds).step());
  if (!found) return std::nullopt;
  ASSIGN_OR_RETURN(TaskRecord task, read_task(take));
  take.reset();
  RETURN_IF_ERROR(write.transaction.commit());
  return task;
}

Result<void> SqliteStore::update_task(std::string_view owner, double lease_seconds, const TaskRecord& task) {
  RETURN_IF_ERROR(check_task(task));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  ASSIGN_OR_RETURN(
      SqliteStatement update,
      m_writer.prepare(fmt::format(
          "UPDATE task SET status = ?1, result = ?2, error = ?3, progress = ?4, lease_until = {} + ?5, completed_at = "
          "CASE WHEN ?1 IN ('completed', 'failed') THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') ELSE '' END "
          "WHERE tenant_id = ?6 AND id = ?7 AND owner = ?8 AND status = 'processing'",
          kNow)));
  update.bind(task_status_name(task.status)).bind(task.result).bind(task.error);
  update.bind(static_cast<int64_t>(task.progress)).bind(lease_seconds);
  RETURN_IF_ERROR(update.bind(task.tenant).bind(task.id).bind(owner).run());
  if (m_writer.changed_rows() == 0) {
    return error(StatusCode::kNotFound, fmt::format("task '{}' is not this worker's any more", task.id));
  }
  return write.transaction.commit();
}

Result<uint64_t> SqliteStore::remove_old_tasks(double seconds) {
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  ASSIGN_OR_RETURN(SqliteStatement remove,
                   m_writer.prepare("DELETE FROM task WHERE status IN ('completed', 'failed') AND "
                                    "(julianday('now') - julianday(completed_at)) * 86400.0 > ?"));
  RETURN_IF_ERROR(remove.bind(seconds).run());
  const uint64_t removed = m_writer.changed_rows();
  RETURN_IF_ERROR(write.transaction.commit());
  return removed;
}

}  // namespace vivace
