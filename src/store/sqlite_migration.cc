#include "store/sqlite_migration.h"

#include <fmt/format.h>

namespace vivace {
namespace {

Result<void> check_owner(SqliteDatabase& database, const std::string& path, const SqliteSchema& schema) {
  ASSIGN_OR_RETURN(const int64_t application, database.number("PRAGMA application_id"));
  ASSIGN_OR_RETURN(const int64_t tables, database.number("SELECT count(*) FROM sqlite_schema"));
  if (application != schema.application_id && (application != 0 || tables != 0)) {
    return error(StatusCode::kInvalidArgument,
                 "'" + path + "' is a database of another program; name a new file or one that Vivace made");
  }
  return {};
}

}  // namespace

Result<void> migrate(SqliteDatabase& database, const std::string& path, const SqliteSchema& schema) {
  RETURN_IF_ERROR(check_owner(database, path, schema));
  ASSIGN_OR_RETURN(int64_t version, database.number("PRAGMA user_version"));
  const auto newest = static_cast<int64_t>(schema.steps.size());
  if (version == newest) return {};
  // Another process may be about to do the same: whoever comes second finds it done.
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::begin(database));
  ASSIGN_OR_RETURN(version, database.number("PRAGMA user_version"));
  if (version < 0 || version > newest) {
    return error(StatusCode::kUnsupported,
                 fmt::format("'{}' is of version {}, written by a newer Vivace; this one knows versions up to {}", path,
                             version, newest));
  }
  for (; version < newest; ++version) RETURN_IF_ERROR(database.execute(schema.steps[static_cast<size_t>(version)]));
  return transaction.commit();
}

}  // namespace vivace
