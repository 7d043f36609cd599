// The tables of the SQLite store and how a file of an older version becomes one of this version.
#pragma once

#include <string>

#include "base/status.h"
#include "store/sqlite_database.h"

namespace vivace {

// Brings the file to the newest version, each step in a transaction. kInvalidArgument when the file belongs to another
// program, kUnsupported when a newer version of Vivace wrote it. path: for messages.
Result<void> migrate_schema(SqliteDatabase& database, const std::string& path);

}  // namespace vivace
