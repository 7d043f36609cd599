#include "store/job_schema.h"

#include <array>

namespace vivace {
namespace {

constexpr int64_t kApplicationId = 0x5649564A;  // "VIVJ": not a file of evidence

// Version 1. turn grows: the job whose turn is the lowest comes next. callback_due: 0 when nobody waits for a call.
constexpr char kFirstVersion[] = R"sql(
PRAGMA application_id = 0x5649564A;
CREATE TABLE job (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4),
  options TEXT NOT NULL,
  callback_url TEXT NOT NULL,
  callback_tries INTEGER NOT NULL DEFAULT 0,
  callback_due_ms INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  total INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  turn INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL DEFAULT 0,
  compute_ms REAL NOT NULL DEFAULT 0,
  worker TEXT NOT NULL DEFAULT ''
);
CREATE INDEX job_turn ON job (turn, number) WHERE status < 2;
CREATE INDEX job_callback ON job (callback_due_ms) WHERE callback_due_ms > 0;
CREATE INDEX job_end ON job (ended_ms) WHERE ended_ms > 0;
CREATE TABLE job_item (
  job_number INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  result TEXT,
  PRIMARY KEY (job_number, position)
) WITHOUT ROWID;
PRAGMA user_version = 1;
)sql";

// Version 2: how many texts of a job were known already. Nobody counted them before.
constexpr char kSecondVersion[] = R"sql(
ALTER TABLE job ADD COLUMN cached INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 2;
)sql";

constexpr std::array<const char*, 2> kSteps = {kFirstVersion, kSecondVersion};

}  // namespace

SqliteSchema job_schema() {
  return {.application_id = kApplicationId, .steps = kSteps};
}

}  // namespace vivace
