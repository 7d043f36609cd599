// The tables of a file of background jobs.
#pragma once

#include "store/sqlite_migration.h"

namespace vivace {

SqliteSchema job_schema();

}  // namespace vivace
