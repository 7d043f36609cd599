#include "store/postgres_store.h"

#include <cmath>

#include <fmt/format.h>

#include "store/index_words.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

size_t vector_length(const EvidenceBatch& batch) {
  for (const EvidenceInput& item : batch.items) {
    if (!item.vector.empty()) return item.vector.size();
  }
  return 0;
}

// The first vectors of a tenant decide which model's and how long all are.
Result<void> settle_vector_space(PostgresConnection& connection, const EvidenceBatch& batch) {
  const size_t length = vector_length(batch);
  if (length == 0) return {};
  RETURN_IF_ERROR(connection.run(
      "INSERT INTO vector_space (tenant_id, model_name, dimensions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      PostgresValues().add(batch.tenant).add(batch.model_name).add(static_cast<int64_t>(length))));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   connection.run("SELECT model_name, dimensions FROM vector_space WHERE tenant_id = $1",
                                  PostgresValues().add(batch.tenant)));
  const std::string model = rows.text(0, 0);
  const auto dimensions = static_cast<size_t>(rows.integer(0, 1));
  for (const EvidenceInput& item : batch.items) {
    if (item.vector.empty() || (item.vector.size() == dimensions && model == batch.model_name)) continue;
    return error(
        StatusCode::kInvalidArgument,
        fmt::format("the store holds vectors of '{}' with {} values; those of '{}' with {} do not compare with "
                    "them, use a new store or another tenant",
                    model, dimensions, batch.model_name, item.vector.size()));
  }
  return {};
}

Result<void> count_change(PostgresConnection& connection, std::string_view tenant) {
  RETURN_IF_ERROR(
      connection.run("INSERT INTO evidence_revision AS old (tenant_id, revision) VALUES ($1, 1) "
                     "ON CONFLICT (tenant_id) DO UPDATE SET revision = old.revision + 1",
                     PostgresValues().add(tenant)));
  return {};
}

Result<void> write_checkpoint(PostgresConnection& connection, const EvidenceBatch& batch) {
  if (!batch.checkpoint) return {};
  PostgresValues values;
  values.add(batch.tenant).add(batch.checkpoint->source).add(static_cast<int64_t>(batch.checkpoint->position));
  values.add(batch.checkpoint->model_name);
  RETURN_IF_ERROR(
      connection.run("INSERT INTO ingest_checkpoint (tenant_id, source, position, model_name, updated_at) VALUES ($1, "
                     "$2, $3, $4, now()) ON CONFLICT (tenant_id, source) DO UPDATE SET position = "
                     "excluded.position, model_name = excluded.model_name, updated_at = excluded.updated_at",
                     values));
  return {};
}

}  // namespace

std::string postgres_array(std::span<const std::string> texts) {
  std::string array = "{";
  for (const std::string& text : texts) {
    if (array.size() > 1) array += ',';
    array += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return array + "}";
}

std::string postgres_time(std::string_view column) {
  return fmt::format(R"(to_char({}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))", column);
}

Result<std::unique_ptr<EvidenceStore>> open_postgres_store(const std::string& address) {
  auto pool = std::make_unique<PostgresPool>(address);
  PostgresVectors vectors = PostgresVectors::kArrays;
  {
    ASSIGN_OR_RETURN(const PostgresPool::Lease connection, pool->lease());
    ASSIGN_OR_RETURN(vectors, migrate_postgres(*connection));
  }
  return std::make_unique<PostgresStore>(std::move(pool), vectors);
}

Result<PostgresRows> PostgresStore::run(const std::string& sql, const PostgresValues& values) {
  ASSIGN_OR_RETURN(const PostgresPool::Lease connection, m_pool->lease());
  return connection->run(sql, values);
}

// Of length 1, so that equal directions have equal bits.
std::string PostgresStore::vector_text(std::span<const float> vector) const {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * static_cast<double>(value);
  const double scale = 1 / std::sqrt(squares);
  const bool is_pgvector = m_vectors == PostgresVectors::kPgvector;
  std::string text(1, is_pgvector ? '[' : '{');
  for (const float value : vector) {
    if (text.size() > 1) text += ',';
    text += fmt::format("{}", static_cast<float>(static_cast<double>(value) * scale));
  }
  return text + (is_pgvector ? "]" : "}");
}

std::string PostgresStore::cosine(int parameter) const {
  if (m_vectors == PostgresVectors::kPgvector)
    return fmt::format("(1 - (embedding.vector <=> ${}::vector))", parameter);
  return fmt::format("(SELECT sum(a::float8 * b::float8) FROM unnest(embedding.vector, ${}::real[]) AS pair (a, b))",
                     parameter);
}

Result<void> PostgresStore::put_evidence(const EvidenceBatch& batch) {
  RETURN_IF_ERROR(check_batch(batch));
  ASSIGN_OR_RETURN(const PostgresPool::Lease connection, m_pool->lease());
  ASSIGN_OR_RETURN(PostgresTransaction transaction, PostgresTransaction::begin(*connection));
  // Writers of one tenant go one after the other: no deadlock over rows that two batches share.
  RETURN_IF_ERROR(
      connection->run("SELECT pg_advisory_xact_lock(1447646019, hashtext($1))", PostgresValues().add(batch.tenant)));
  RETURN_IF_ERROR(settle_vector_space(*connection, batch));
  for (const EvidenceInput& item : batch.items) RETURN_IF_ERROR(write_item(*connection, batch.tenant, item));
  RETURN_IF_ERROR(write_checkpoint(*connection, batch));
  if (!batch.items.empty()) RETURN_IF_ERROR(count_change(*connection, batch.tenant));
  return transaction.commit();
}

Result<void> PostgresStore::write_item(PostgresConnection& connection, const std::string& tenant,
                                       const EvidenceInput& item) {
  const EvidenceRecord& evidence = item.evidence;
  const std::vector<std::string> words = index_words(evidence.content);
  PostgresValues row;
  row.add(tenant).add(evidence.id).add(evidence.content).add(evidence.source_url).add(evidence.source_type);
  row.add(static_cast<int64_t>(words.size()));
  ASSIGN_OR_RETURN(
      const PostgresRows written,
      connection.run(
          "INSERT INTO evidence (tenant_id, id, content, source_url, source_type, words) VALUES ($1, $2, $3, "
          "$4, $5, $6) ON CONFLICT (tenant_id, id) DO UPDATE SET content = excluded.content, source_url = "
          "excluded.source_url, source_type = excluded.source_type, words = excluded.words RETURNING number, "
          "xmax <> 0",
          row));
  const int64_t number = written.integer(0, 0);
  if (written.text(0, 1) == "t") {
    RETURN_IF_ERROR(
        connection.run("DELETE FROM evidence_term WHERE evidence_number = $1", PostgresValues().add(number)));
    RETURN_IF_ERROR(connection.run("DELETE FROM embedding WHERE evidence_number = $1", PostgresValues().add(number)));
  }
  RETURN_IF_ERROR(connection.run(
      "INSERT INTO evidence_term (term, evidence_number, frequency) SELECT vivace.stem(word) AS stem, $1::bigint, "
      "count(*) FROM unnest($2::text[]) AS word GROUP BY stem",
      PostgresValues().add(number).add(postgres_array(words))));
  if (item.vector.empty()) return {};
  const char* type = m_vectors == PostgresVectors::kPgvector ? "vector" : "real[]";
  RETURN_IF_ERROR(connection.run(
      fmt::format("INSERT INTO embedding (evidence_number, tenant_id, vector) VALUES ($1, $2, $3::{})", type),
      PostgresValues().add(number).add(tenant).add(vector_text(item.vector))));
  return {};
}

Result<EvidenceRecord> PostgresStore::evidence(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("id", id));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT id, content, source_url, source_type, " + postgres_time("created_at") +
                           " FROM evidence WHERE tenant_id = $1 AND id = $2",
                       PostgresValues().add(tenant).add(id)));
  if (rows.size() == 0) return error(StatusCode::kNotFound, fmt::format("no evidence with id '{}'", id));
  return EvidenceRecord{.id = rows.text(0, 0),
                        .content = rows.text(0, 1),
                        .source_url = rows.text(0, 2),
                        .source_type = rows.text(0, 3),
                        .created_at = rows.text(0, 4)};
}

Result<uint64_t> PostgresStore::count_evidence(std::string_view tenant) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT count(*) FROM evidence WHERE tenant_id = $1", PostgresValues().add(tenant)));
  return static_cast<uint64_t>(rows.integer(0, 0));
}

Result<void> PostgresStore::remove_evidence(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("id", id));
  ASSIGN_OR_RETURN(const PostgresPool::Lease connection, m_pool->lease());
  ASSIGN_OR_RETURN(PostgresTransaction transaction, PostgresTransaction::begin(*connection));
  ASSIGN_OR_RETURN(const PostgresRows rows, connection->run("DELETE FROM evidence WHERE tenant_id = $1 AND id = $2",
                                                            PostgresValues().add(tenant).add(id)));
  if (rows.changed() == 0) return error(StatusCode::kNotFound, fmt::format("no evidence with id '{}'", id));
  RETURN_IF_ERROR(count_change(*connection, tenant));
  return transaction.commit();
}

Result<IngestCheckpoint> PostgresStore::checkpoint(std::string_view tenant, std::string_view source) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_text("checkpoint source", source, kMaxUrlBytes));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT position, model_name FROM ingest_checkpoint WHERE tenant_id = $1 AND source = $2",
                       PostgresValues().add(tenant).add(source)));
  IngestCheckpoint checkpoint{.source = std::string(source), .position = 0, .model_name = {}};
  if (rows.size() == 0) return checkpoint;
  checkpoint.position = static_cast<uint64_t>(rows.integer(0, 0));
  checkpoint.model_name = rows.text(0, 1);
  return checkpoint;
}

Result<uint64_t> PostgresStore::evidence_revision(std::string_view tenant) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT revision FROM evidence_revision WHERE tenant_id = $1", PostgresValues().add(tenant)));
  return rows.size() == 0 ? 0 : static_cast<uint64_t>(rows.integer(0, 0));
}

Result<std::string> PostgresStore::vector_model(std::string_view tenant) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT model_name FROM vector_space WHERE tenant_id = $1", PostgresValues().add(tenant)));
  return rows.size() == 0 ? std::string() : rows.text(0, 0);
}

}  // namespace vivace
