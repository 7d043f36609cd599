#include "store/sqlite_schema.h"

#include <array>

#include "store/sqlite_migration.h"

namespace vivace {
namespace {

constexpr int64_t kApplicationId = 0x56495643;  // "VIVC": tells our files from others'

// Version 1. embedding.id grows with every write, so that a reader finds what is new to it. evidence_text holds only an
// index: whoever writes evidence.content writes there too (triggers would need trust in whatever file is opened).
constexpr char kFirstVersion[] = R"sql(
PRAGMA application_id = 0x56495643;
CREATE TABLE evidence (
  number INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  content TEXT NOT NULL,
  source_url TEXT NOT NULL,
  source_type TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  UNIQUE (tenant_id, id)
);
CREATE TABLE embedding (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id TEXT NOT NULL,
  evidence_number INTEGER NOT NULL UNIQUE REFERENCES evidence (number) ON DELETE CASCADE,
  vector BLOB NOT NULL
);
CREATE INDEX embedding_of_tenant ON embedding (tenant_id, id);
CREATE TABLE vector_space (tenant_id TEXT PRIMARY KEY, model_name TEXT NOT NULL, dimensions INTEGER NOT NULL);
CREATE TABLE ingest_checkpoint (
  tenant_id TEXT NOT NULL,
  source TEXT NOT NULL,
  position INTEGER NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, source)
);
CREATE VIRTUAL TABLE evidence_text USING fts5 (
  content, content = 'evidence', content_rowid = 'number', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TABLE claim (
  number INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  text TEXT NOT NULL,
  source_url TEXT NOT NULL,
  submitted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  UNIQUE (tenant_id, id)
);
CREATE TABLE verification (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  claim_number INTEGER NOT NULL REFERENCES claim (number) ON DELETE CASCADE,
  verdict TEXT NOT NULL CHECK (verdict IN ('SUPPORTED', 'REFUTED', 'INSUFFICIENT')),
  confidence REAL NOT NULL,
  support_score REAL NOT NULL,
  refute_score REAL NOT NULL,
  neutral_score REAL NOT NULL,
  evidence_count INTEGER NOT NULL,
  supporting_count INTEGER NOT NULL,
  refuting_count INTEGER NOT NULL,
  neutral_count INTEGER NOT NULL,
  reasoning TEXT NOT NULL,
  model_name TEXT NOT NULL,
  pipeline_version TEXT NOT NULL,
  retrieval_method TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX verification_of_claim ON verification (claim_number, number);
CREATE TABLE nli_result (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  verification_number INTEGER NOT NULL REFERENCES verification (number) ON DELETE CASCADE,
  evidence_id TEXT NOT NULL,
  label TEXT NOT NULL CHECK (label IN ('entailment', 'neutral', 'contradiction')),
  confidence REAL NOT NULL,
  entailment_score REAL NOT NULL,
  neutral_score REAL NOT NULL,
  contradiction_score REAL NOT NULL,
  similarity REAL NOT NULL,
  premise TEXT NOT NULL,
  hypothesis TEXT NOT NULL
);
CREATE INDEX nli_result_of_verification ON nli_result (verification_number, number);
PRAGMA user_version = 1;
)sql";

// Version 2. Tasks that outlive their process; a number that tells caches that a tenant's evidence has changed.
constexpr char kSecondVersion[] = R"sql(
CREATE TABLE evidence_revision (tenant_id TEXT PRIMARY KEY, revision INTEGER NOT NULL);
CREATE TABLE task (
  number INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  claim_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
  request TEXT NOT NULL,
  result TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  progress INTEGER NOT NULL DEFAULT 0,
  owner TEXT NOT NULL DEFAULT '',
  lease_until REAL NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  completed_at TEXT NOT NULL DEFAULT '',
  UNIQUE (tenant_id, id)
);
CREATE INDEX task_of_status ON task (status, number);
CREATE INDEX task_of_claim ON task (tenant_id, claim_id, number);
PRAGMA user_version = 2;
)sql";

// Version 3. Which model made the vectors of what a checkpoint counts. Older checkpoints do not say: they pass for
// those of rows without vectors, so that going on with a model is refused and not guessed.
constexpr char kThirdVersion[] = R"sql(
ALTER TABLE ingest_checkpoint ADD COLUMN model_name TEXT NOT NULL DEFAULT '';
PRAGMA user_version = 3;
)sql";

// Step i brings a file of version i to version i + 1.
constexpr std::array<const char*, 3> kSteps = {kFirstVersion, kSecondVersion, kThirdVersion};

}  // namespace

Result<void> migrate_schema(SqliteDatabase& database, const std::string& path) {
  return migrate(database, path, {.application_id = kApplicationId, .steps = kSteps});
}

}  // namespace vivace
