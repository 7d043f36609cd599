// EvidenceStore in a PostgreSQL database: see evidence_store.h for what it promises. Vectors are compared by pgvector,
// or by plain SQL where that extension is not installed; words by BM25 over an index in tables.
#pragma once

#include <memory>
#include <string>

#include "store/evidence_store.h"
#include "store/postgres_database.h"
#include "store/postgres_schema.h"

namespace vivace {

class PostgresStore final : public EvidenceStore {
 public:
  PostgresStore(std::unique_ptr<PostgresPool> pool, PostgresVectors vectors)
      : m_pool(std::move(pool)), m_vectors(vectors) {}

  Result<void> put_evidence(const EvidenceBatch& batch) override;
  Result<EvidenceRecord> evidence(std::string_view tenant, std::string_view id) override;
  Result<uint64_t> count_evidence(std::string_view tenant) override;
  Result<void> remove_evidence(std::string_view tenant, std::string_view id) override;
  Result<IngestCheckpoint> checkpoint(std::string_view tenant, std::string_view source) override;
  Result<uint64_t> evidence_revision(std::string_view tenant) override;
  Result<std::string> vector_model(std::string_view tenant) override;

  Result<std::vector<ScoredEvidence>> search_vectors(const VectorQuery& query) override;
  Result<std::vector<ScoredEvidence>> search_keywords(const KeywordQuery& query) override;
  Result<std::vector<std::optional<double>>> similarities(std::string_view tenant, std::span<const float> vector,
                                                          std::span<const std::string> ids) override;

  Result<void> add_claim(const ClaimRecord& claim) override;
  Result<ClaimRecord> claim(std::string_view tenant, std::string_view id) override;
  Result<ClaimPage> claims(std::string_view tenant, uint64_t skip, uint64_t limit) override;
  Result<void> remove_claim(std::string_view tenant, std::string_view id) override;
  Result<void> add_verification(std::string_view tenant, const VerificationRecord& verification) override;
  Result<void> add_verified_claim(const ClaimRecord& claim, const VerificationRecord& verification) override;
  Result<VerificationRecord> verification(std::string_view tenant, std::string_view claim_id) override;

  Result<void> add_task(const TaskRecord& task) override;
  Result<TaskRecord> task(std::string_view tenant, std::string_view id) override;
  Result<TaskRecord> task_of_claim(std::string_view tenant, std::string_view claim_id) override;
  Result<std::optional<TaskRecord>> take_task(std::string_view owner, double lease_seconds) override;
  Result<void> update_task(std::string_view owner, double lease_seconds, const TaskRecord& task) override;
  Result<uint64_t> remove_old_tasks(double seconds) override;

 private:
  // One statement on a connection of the pool.
  Result<PostgresRows> run(const std::string& sql, const PostgresValues& values);
  Result<void> write_item(PostgresConnection& connection, const std::string& tenant, const EvidenceInput& item);
  // True when the tenant has vectors; kInvalidArgument when they are not `dimensions` long.
  Result<bool> check_dimensions(std::string_view tenant, size_t dimensions);
  // The cosine of embedding.vector and parameter number `parameter`.
  std::string cosine(int parameter) const;
  std::string vector_text(std::span<const float> vector) const;

  std::unique_ptr<PostgresPool> m_pool;
  const PostgresVectors m_vectors;
};

// ["a","b"] as a parameter of type text[].
std::string postgres_array(std::span<const std::string> texts);
// An expression for a column's time as the records have it.
std::string postgres_time(std::string_view column);

}  // namespace vivace
