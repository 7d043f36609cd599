// Whether a store could be opened, found without making or changing anything.
#pragma once

#include <string>

#include "base/status.h"

namespace vivace {

// location: as for open_evidence_store(). kInvalidArgument for a file that is no store or may not be written, or whose
// folder is missing or may not be written where there is no such file yet; of a PostgreSQL database the errors of
// connecting to it.
Result<void> check_evidence_store(const std::string& location);

// The same for what is kept in a SQLite file, whatever it is.
Result<void> check_store_file(const std::string& path);

}  // namespace vivace
