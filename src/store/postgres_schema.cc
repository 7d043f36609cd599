#include "store/postgres_schema.h"

#include <array>

#include <fmt/format.h>

namespace vivace {
namespace {

// Words are stemmed by Porter's first algorithm, without stop words. {0}: the type of a vector.
constexpr char kFirstVersion[] = R"sql(
CREATE TEXT SEARCH DICTIONARY vivace.porter (TEMPLATE = pg_catalog.snowball, LANGUAGE = porter);
CREATE TABLE vivace.evidence (
  number bigserial PRIMARY KEY,
  tenant_id text NOT NULL,
  id text NOT NULL,
  content text NOT NULL,
  source_url text NOT NULL,
  source_type text NOT NULL,
  words bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, id)
);
CREATE TABLE vivace.evidence_term (
  term text NOT NULL,
  evidence_number bigint NOT NULL REFERENCES vivace.evidence (number) ON DELETE CASCADE,
  frequency bigint NOT NULL,
  PRIMARY KEY (term, evidence_number)
);
CREATE INDEX evidence_term_of_evidence ON vivace.evidence_term (evidence_number);
CREATE TABLE vivace.embedding (
  evidence_number bigint PRIMARY KEY REFERENCES vivace.evidence (number) ON DELETE CASCADE,
  tenant_id text NOT NULL,
  vector {0} NOT NULL
);
CREATE INDEX embedding_of_tenant ON vivace.embedding (tenant_id);
CREATE TABLE vivace.vector_space (tenant_id text PRIMARY KEY, model_name text NOT NULL, dimensions bigint NOT NULL);
CREATE TABLE vivace.evidence_revision (tenant_id text PRIMARY KEY, revision bigint NOT NULL);
CREATE TABLE vivace.ingest_checkpoint (
  tenant_id text NOT NULL,
  source text NOT NULL,
  position bigint NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, source)
);
CREATE TABLE vivace.claim (
  number bigserial PRIMARY KEY,
  tenant_id text NOT NULL,
  id text NOT NULL,
  text text NOT NULL,
  source_url text NOT NULL,
  submitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, id)
);
CREATE TABLE vivace.verification (
  number bigserial PRIMARY KEY,
  id text NOT NULL UNIQUE,
  claim_number bigint NOT NULL REFERENCES vivace.claim (number) ON DELETE CASCADE,
  verdict text NOT NULL CHECK (verdict IN ('SUPPORTED', 'REFUTED', 'INSUFFICIENT')),
  confidence float8 NOT NULL,
  support_score float8 NOT NULL,
  refute_score float8 NOT NULL,
  neutral_score float8 NOT NULL,
  evidence_count bigint NOT NULL,
  supporting_count bigint NOT NULL,
  refuting_count bigint NOT NULL,
  neutral_count bigint NOT NULL,
  reasoning text NOT NULL,
  model_name text NOT NULL,
  pipeline_version text NOT NULL,
  retrieval_method text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX verification_of_claim ON vivace.verification (claim_number, number);
CREATE TABLE vivace.nli_result (
  number bigserial PRIMARY KEY,
  id text NOT NULL UNIQUE,
  verification_number bigint NOT NULL REFERENCES vivace.verification (number) ON DELETE CASCADE,
  evidence_id text NOT NULL,
  label text NOT NULL CHECK (label IN ('entailment', 'neutral', 'contradiction')),
  confidence float8 NOT NULL,
  entailment_score float8 NOT NULL,
  neutral_score float8 NOT NULL,
  contradiction_score float8 NOT NULL,
  similarity float8 NOT NULL,
  premise text NOT NULL,
  hypothesis text NOT NULL
);
CREATE INDEX nli_result_of_verification ON vivace.nli_result (verification_number, number);
CREATE TABLE vivace.task (
  number bigserial PRIMARY KEY,
  tenant_id text NOT NULL,
  id text NOT NULL,
  claim_id text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
  request text NOT NULL,
  result text NOT NULL DEFAULT '',
  error text NOT NULL DEFAULT '',
  progress bigint NOT NULL DEFAULT 0,
  owner text NOT NULL DEFAULT '',
  lease_until timestamptz NOT NULL DEFAULT 'epoch',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  completed_at timestamptz,
  UNIQUE (tenant_id, id)
);
CREATE INDEX task_of_status ON vivace.task (status, number);
CREATE INDEX task_of_claim ON vivace.task (tenant_id, claim_id, number);
)sql";

// The stems of FTS5, which differs from Porter's first algorithm, and so from PostgreSQL's, in three things: shorter
// and longer words stay as they are; "logi" behind a syllable becomes "log" ("technology" as "technological"); "bli"
// becomes "ble" before the last steps. Rows of the first version keep the stems they were written with.
constexpr char kStems[] = R"sql(
CREATE FUNCTION vivace.stem(word text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN octet_length(word) NOT BETWEEN 3 AND 64 THEN word
    WHEN stem ~ '([aeiou]|[^aeiou]y)[^aeiou].*logi$' THEN left(stem, -1)
    WHEN stem ~ '([aeiou]|[^aeiou]y)[^aeiou].*bli$' THEN (ts_lexize('vivace.porter', left(stem, -1) || 'e'))[1]
    ELSE stem
  END FROM (SELECT coalesce((ts_lexize('vivace.porter', word))[1], word)) AS porter (stem)
$$;
)sql";

// Which model made the vectors of what a checkpoint counts. Older checkpoints do not say: they pass for those of rows
// without vectors, so that going on with a model is refused and not guessed.
constexpr char kCheckpointModel[] = R"sql(
ALTER TABLE vivace.ingest_checkpoint ADD COLUMN model_name text NOT NULL DEFAULT '';
)sql";

// Step i brings a database of version i to version i + 1.
constexpr std::array<const char*, 3> kSteps = {kFirstVersion, kStems, kCheckpointModel};
constexpr auto kNewest = static_cast<int64_t>(kSteps.size());

// In a savepoint, so that being refused leaves the transaction as it was.
Result<PostgresVectors> choose_vectors(PostgresConnection& connection) {
  ASSIGN_OR_RETURN(const PostgresRows known,
                   connection.run("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"));
  if (known.integer(0, 0) == 0) return PostgresVectors::kArrays;
  RETURN_IF_ERROR(connection.execute("SAVEPOINT extension"));
  if (connection.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")) {
    return PostgresVectors::kPgvector;
  }
  RETURN_IF_ERROR(connection.execute("ROLLBACK TO SAVEPOINT extension"));
  return PostgresVectors::kArrays;
}

Result<void> make_info(PostgresConnection& connection) {
  RETURN_IF_ERROR(
      connection.execute("CREATE SCHEMA IF NOT EXISTS vivace; CREATE TABLE IF NOT EXISTS "
                         "vivace.store_info (version bigint NOT NULL, vectors text NOT NULL)"));
  ASSIGN_OR_RETURN(const PostgresRows rows, connection.run("SELECT count(*) FROM vivace.store_info"));
  if (rows.integer(0, 0) > 0) return {};
  ASSIGN_OR_RETURN(const PostgresVectors vectors, choose_vectors(connection));
  PostgresValues values;
  values.add(vectors == PostgresVectors::kPgvector ? "pgvector" : "arrays");
  RETURN_IF_ERROR(connection.run("INSERT INTO vivace.store_info (version, vectors) VALUES (0, $1)", values));
  return {};
}

}  // namespace

Result<PostgresVectors> migrate_postgres(PostgresConnection& connection) {
  ASSIGN_OR_RETURN(const PostgresRows encoding, connection.run("SHOW server_encoding"));
  if (encoding.text(0, 0) != "UTF8") {
    return error(StatusCode::kUnsupported,
                 "store: the database's encoding is " + encoding.text(0, 0) + "; make one with ENCODING 'UTF8'");
  }
  ASSIGN_OR_RETURN(PostgresTransaction transaction, PostgresTransaction::begin(connection));
  // Whoever comes second finds it done.
  RETURN_IF_ERROR(connection.run("SELECT pg_advisory_xact_lock(1447646019)"));
  RETURN_IF_ERROR(make_info(connection));
  ASSIGN_OR_RETURN(const PostgresRows info, connection.run("SELECT version, vectors FROM vivace.store_info"));
  const int64_t version = info.integer(0, 0);
  if (version < 0 || version > kNewest) {
    return error(StatusCode::kUnsupported,
                 fmt::format("store: the database is of version {}, written by a newer Vivace; this one knows versions "
                             "up to {}",
                             version, kNewest));
  }
  const bool has_pgvector = info.text(0, 1) == "pgvector";
  for (int64_t step = version; step < kNewest; ++step) {
    const std::string sql =
        fmt::format(fmt::runtime(kSteps[static_cast<size_t>(step)]), has_pgvector ? "public.vector" : "real[]");
    RETURN_IF_ERROR(connection.execute(sql));
  }
  RETURN_IF_ERROR(connection.run("UPDATE vivace.store_info SET version = $1", PostgresValues().add(kNewest)));
  RETURN_IF_ERROR(transaction.commit());
  return has_pgvector ? PostgresVectors::kPgvector : PostgresVectors::kArrays;
}

}  // namespace vivace
