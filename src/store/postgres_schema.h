// The tables of a PostgreSQL store, in the schema "vivace" of its database.
#pragma once

#include "base/status.h"
#include "store/postgres_database.h"

namespace vivace {

// How vectors are kept: pgvector's type, or arrays of real where that extension is not installed.
enum class PostgresVectors { kPgvector, kArrays };

// Brings the database to the newest version, together with other processes that do the same, and says how its vectors
// are kept. kUnsupported for a database of a newer version or of another encoding than UTF-8.
Result<PostgresVectors> migrate_postgres(PostgresConnection& connection);

}  // namespace vivace
