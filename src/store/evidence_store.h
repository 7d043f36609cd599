// Where evidence, claims and verdicts are kept. Each call is one transaction: it happens as a whole or not at all, also
// when the process is killed. Thread-safe. Rows of one tenant are never seen by another.
//
// Errors: kInvalidArgument and kTooLarge for input (see store_checks.h), kNotFound, kUnavailable when the database is
// locked or gone (trying again can help), kCorruptFile, kInternal.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "store/evidence_records.h"

namespace vivace {

class EvidenceStore {
 public:
  virtual ~EvidenceStore() = default;

  // Adds or, where the id is known, replaces.
  virtual Result<void> put_evidence(const EvidenceBatch& batch) = 0;
  virtual Result<EvidenceRecord> evidence(std::string_view tenant, std::string_view id) = 0;
  virtual Result<uint64_t> count_evidence(std::string_view tenant) = 0;
  // kNotFound when there is no such row.
  virtual Result<void> remove_evidence(std::string_view tenant, std::string_view id) = 0;
  // How far the source is stored; at position 0 when it is unknown.
  virtual Result<IngestCheckpoint> checkpoint(std::string_view tenant, std::string_view source) = 0;
  // Differs from an earlier answer when the tenant's evidence has changed since, whoever changed it.
  virtual Result<uint64_t> evidence_revision(std::string_view tenant) = 0;
  // The model whose vectors the tenant holds, empty when there are none.
  virtual Result<std::string> vector_model(std::string_view tenant) = 0;

  // Best first, equal scores by id. Vectors of any length are compared by their angle.
  virtual Result<std::vector<ScoredEvidence>> search_vectors(const VectorQuery& query) = 0;
  // Rows with any of the text's words (stemmed, English function words left out), by BM25; equal scores by id. Word
  // frequencies are counted over all tenants.
  virtual Result<std::vector<ScoredEvidence>> search_keywords(const KeywordQuery& query) = 0;
  // Cosine of each evidence to the vector; nullopt for those without one.
  virtual Result<std::vector<std::optional<double>>> similarities(std::string_view tenant,
                                                                  std::span<const float> vector,
                                                                  std::span<const std::string> ids) = 0;

  // kInvalidArgument when the id is taken.
  virtual Result<void> add_claim(const ClaimRecord& claim) = 0;
  virtual Result<ClaimRecord> claim(std::string_view tenant, std::string_view id) = 0;
  virtual Result<ClaimPage> claims(std::string_view tenant, uint64_t skip, uint64_t limit) = 0;
  // With all its verdicts.
  virtual Result<void> remove_claim(std::string_view tenant, std::string_view id) = 0;

  // The verdict with all its entailment results. kNotFound when the tenant has no such claim.
  virtual Result<void> add_verification(std::string_view tenant, const VerificationRecord& verification) = 0;
  // A new claim and its first verdict, of claim.tenant. The errors of both.
  virtual Result<void> add_verified_claim(const ClaimRecord& claim, const VerificationRecord& verification) = 0;
  // The claim's newest verdict; kNotFound without one.
  virtual Result<VerificationRecord> verification(std::string_view tenant, std::string_view claim_id) = 0;

  // A queue of tasks that several processes may work on. kInvalidArgument when the id is taken.
  virtual Result<void> add_task(const TaskRecord& task) = 0;
  virtual Result<TaskRecord> task(std::string_view tenant, std::string_view id) = 0;
  // The claim's newest task; kNotFound without one.
  virtual Result<TaskRecord> task_of_claim(std::string_view tenant, std::string_view claim_id) = 0;
  // The oldest task that nobody works on, of any tenant, now kProcessing and the owner's for so many seconds: whoever
  // was killed loses its tasks to others then.
  virtual Result<std::optional<TaskRecord>> take_task(std::string_view owner, double lease_seconds) = 0;
  // Writes status, result, error and progress, and renews the lease. kNotFound when the task is no longer the owner's.
  virtual Result<void> update_task(std::string_view owner, double lease_seconds, const TaskRecord& task) = 0;
  // Forgets what was completed or failed longer ago than that; how many.
  virtual Result<uint64_t> remove_old_tasks(double seconds) = 0;
};

// Where a store is: a file's path, or the address of a PostgreSQL database ("postgresql://user@host/name").
Result<std::unique_ptr<EvidenceStore>> open_evidence_store(const std::string& location);
bool is_postgres_address(std::string_view location);

// A database through libpq, whose tables are made where missing. kUnavailable when it cannot be reached.
Result<std::unique_ptr<EvidenceStore>> open_postgres_store(const std::string& address);

// One file (made where missing) through SQLite. kInvalidArgument for a database of another program, kUnsupported for
// one written by a newer version.
Result<std::unique_ptr<EvidenceStore>> open_sqlite_store(const std::string& path);

}  // namespace vivace
