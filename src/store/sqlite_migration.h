// How a SQLite file of ours is told from others', and how one of an older version becomes one of this version.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "store/sqlite_database.h"

namespace vivace {

// steps[i] brings a file of version i to version i + 1 and sets PRAGMA user_version; the first also sets
// PRAGMA application_id.
struct SqliteSchema {
  int64_t application_id = 0;
  std::span<const char* const> steps;
};

// Brings the file to the newest version in one transaction. kInvalidArgument when the file belongs to another program,
// kUnsupported when a newer version of Vivace wrote it. path: for messages.
Result<void> migrate(SqliteDatabase& database, const std::string& path, const SqliteSchema& schema);

}  // namespace vivace
