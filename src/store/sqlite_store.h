// EvidenceStore in one SQLite file: see evidence_store.h for what it promises. The vectors of a tenant are held in
// memory from its first search on and kept up with what this and other processes write.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "store/evidence_store.h"
#include "store/sqlite_database.h"
#include "store/vector_index.h"

namespace vivace {

class SqliteStore final : public EvidenceStore {
 public:
  // Two connections of the same file.
  SqliteStore(SqliteDatabase reader, SqliteDatabase writer, const KernelTable& kernels);

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
  // The vectors of one tenant in memory.
  struct TenantVectors {
    std::shared_mutex mutex;  // exclusive while vectors are put
    VectorIndex index;
    int64_t last_id = 0;                           // of the embedding table, up to which the index has read
    std::pair<int64_t, int64_t> stamp = {-1, -1};  // the file's when the index was brought up to date
    std::once_flag building;
    std::jthread builder;  // of the index's graph; last, so that it ends before the rest goes
    TenantVectors(const KernelTable& kernels, size_t dimensions) : index(kernels, dimensions) {}
  };

  static void build_graph(TenantVectors* vectors);

  // One transaction; what is not committed is rolled back before the next writer's turn.
  struct WriteTurn {
    std::unique_lock<std::mutex> lock;
    SqliteTransaction transaction;
  };
  // Waits a moment only while another process writes, then kUnavailable: how long to go on trying is the caller's to
  // say.
  Result<WriteTurn> begin_write();

  // These want a WriteTurn.
  Result<void> settle_vector_space(const EvidenceBatch& batch);
  Result<void> write_items(const EvidenceBatch& batch);
  Result<void> remove_words(std::string_view tenant, std::string_view id);
  Result<void> write_checkpoint(const EvidenceBatch& batch);
  Result<void> count_change(std::string_view tenant);
  Result<void> insert_claim(const ClaimRecord& claim);
  Result<int64_t> insert_verification(int64_t claim, const VerificationRecord& verification);
  Result<void> insert_nli_results(int64_t verification, const std::vector<NliRecord>& results);

  // These want m_read_mutex held.
  Result<bool> has_open_task();
  Result<EvidenceRecord> read_evidence(std::string_view tenant, std::string_view id);
  Result<size_t> dimensions_of(std::string_view tenant);
  Result<void> read_new_vectors(std::string_view tenant, TenantVectors* vectors);

  // Up to date; nullptr when the tenant has no vectors. kInvalidArgument when they are not `dimensions` long.
  Result<std::shared_ptr<TenantVectors>> vectors_of(std::string_view tenant, size_t dimensions);

  std::mutex m_write_mutex;  // guards m_writer
  SqliteDatabase m_writer;

  std::mutex m_read_mutex;  // guards what follows; never taken together with the other
  SqliteDatabase m_reader;  // of its own, so that nobody who reads waits for one who waits to write
  std::map<std::string, std::shared_ptr<TenantVectors>, std::less<>> m_vectors;

  const KernelTable* m_kernels;
};

}  // namespace vivace
