// The tasks of PostgresStore.
#include <fmt/format.h>

#include "store/postgres_store.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

std::string columns() {
  return "id, tenant_id, claim_id, status, request, result, error, progress, " + postgres_time("created_at") +
         ", coalesce(" + postgres_time("completed_at") + ", '')";
}

Result<TaskRecord> read_task(const PostgresRows& rows) {
  TaskRecord task;
  task.id = rows.text(0, 0);
  task.tenant = rows.text(0, 1);
  task.claim_id = rows.text(0, 2);
  ASSIGN_OR_RETURN(task.status, parse_task_status(rows.text(0, 3)));
  task.request = rows.text(0, 4);
  task.result = rows.text(0, 5);
  task.error = rows.text(0, 6);
  task.progress = static_cast<uint64_t>(rows.integer(0, 7));
  task.created_at = rows.text(0, 8);
  task.completed_at = rows.text(0, 9);
  return task;
}

}  // namespace

Result<void> PostgresStore::add_task(const TaskRecord& task) {
  RETURN_IF_ERROR(check_task(task));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("INSERT INTO task (tenant_id, id, claim_id, status, request) VALUES ($1, $2, $3, 'pending', $4) "
                       "ON CONFLICT (tenant_id, id) DO NOTHING",
                       PostgresValues().add(task.tenant).add(task.id).add(task.claim_id).add(task.request)));
  if (rows.changed() == 0) {
    return error(StatusCode::kInvalidArgument, fmt::format("there is a task with id '{}' already", task.id));
  }
  return {};
}

Result<TaskRecord> PostgresStore::task(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("task id", id));
  ASSIGN_OR_RETURN(const PostgresRows rows, run("SELECT " + columns() + " FROM task WHERE tenant_id = $1 AND id = $2",
                                                PostgresValues().add(tenant).add(id)));
  if (rows.size() == 0) return error(StatusCode::kNotFound, fmt::format("no task with id '{}'", id));
  return read_task(rows);
}

Result<TaskRecord> PostgresStore::task_of_claim(std::string_view tenant, std::string_view claim_id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", claim_id));
  ASSIGN_OR_RETURN(
      const PostgresRows rows,
      run("SELECT " + columns() + " FROM task WHERE tenant_id = $1 AND claim_id = $2 ORDER BY number DESC LIMIT 1",
          PostgresValues().add(tenant).add(claim_id)));
  if (rows.size() == 0) return error(StatusCode::kNotFound, fmt::format("claim '{}' has no task", claim_id));
  return read_task(rows);
}

Result<std::optional<TaskRecord>> PostgresStore::take_task(std::string_view owner, double lease_seconds) {
  RETURN_IF_ERROR(check_id("owner", owner));
  ASSIGN_OR_RETURN(
      const PostgresRows rows,
      run("UPDATE task SET status = 'processing', owner = $1, lease_until = now() + make_interval(secs => $2::float8) "
          "WHERE number = (SELECT number FROM task WHERE status = 'pending' OR (status = 'processing' AND lease_until "
          "< "
          "now()) ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING " +
              columns(),
          PostgresValues().add(owner).add(lease_seconds)));
  if (rows.size() == 0) return std::nullopt;
  ASSIGN_OR_RETURN(TaskRecord task, read_task(rows));
  return task;
}

Result<void> PostgresStore::update_task(std::string_view owner, double lease_seconds, const TaskRecord& task) {
  RETURN_IF_ERROR(check_task(task));
  PostgresValues values;
  values.add(task_status_name(task.status)).add(task.result).add(task.error);
  values.add(static_cast<int64_t>(task.progress)).add(lease_seconds).add(task.tenant).add(task.id).add(owner);
  ASSIGN_OR_RETURN(
      const PostgresRows rows,
      run("UPDATE task SET status = $1::text, result = $2, error = $3, progress = $4, lease_until = now() + "
          "make_interval(secs => $5::float8), completed_at = CASE WHEN $1::text IN ('completed', 'failed') THEN "
          "clock_timestamp() END WHERE tenant_id = $6 AND id = $7 AND owner = $8 AND status = 'processing'",
          values));
  if (rows.changed() == 0) {
    return error(StatusCode::kNotFound, fmt::format("task '{}' is not this worker's any more", task.id));
  }
  return {};
}

Result<uint64_t> PostgresStore::remove_old_tasks(double seconds) {
  ASSIGN_OR_RETURN(
      const PostgresRows rows,
      run("DELETE FROM task WHERE status IN ('completed', 'failed') AND completed_at < clock_timestamp() - "
          "make_interval(secs => $1::float8)",
          PostgresValues().add(seconds)));
  return rows.changed();
}

}  // namespace vivace
