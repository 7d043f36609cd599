// The claims and verdicts of SqliteStore.
#include <fmt/format.h>

#include "store/sqlite_store.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

constexpr char kInsertVerification[] =
    "INSERT INTO verification (id, claim_number, verdict, confidence, support_score, refute_score, neutral_score, "
    "evidence_count, supporting_count, refuting_count, neutral_count, reasoning, model_name, pipeline_version, "
    "retrieval_method) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING "
    "number";
constexpr char kSelectVerification[] =
    "SELECT number, id, verdict, confidence, support_score, refute_score, neutral_score, evidence_count, "
    "supporting_count, refuting_count, neutral_count, reasoning, model_name, pipeline_version, retrieval_method, "
    "created_at FROM verification WHERE claim_number = ? ORDER BY number DESC LIMIT 1";
constexpr char kInsertNliResult[] =
    "INSERT INTO nli_result (id, verification_number, evidence_id, label, confidence, entailment_score, neutral_score, "
    "contradiction_score, similarity, premise, hypothesis) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO NOTHING RETURNING number";
constexpr char kSelectNliResults[] =
    "SELECT id, evidence_id, label, confidence, entailment_score, neutral_score, contradiction_score, similarity, "
    "premise, hypothesis FROM nli_result WHERE verification_number = ? ORDER BY number";

ClaimRecord read_claim(const SqliteStatement& row) {
  return {.id = row.text(0),
          .tenant = row.text(1),
          .text = row.text(2),
          .source_url = row.text(3),
          .submitted_at = row.text(4)};
}

Result<VerificationRecord> read_verification(const SqliteStatement& row, std::string_view claim_id) {
  VerificationRecord record;
  record.id = row.text(1);
  record.claim_id = claim_id;
  ASSIGN_OR_RETURN(record.verdict, parse_verdict(row.text(2)));
  record.confidence = row.real(3);
  record.support_score = row.real(4);
  record.refute_score = row.real(5);
  record.neutral_score = row.real(6);
  record.evidence_count = static_cast<uint64_t>(row.integer(7));
  record.supporting_count = static_cast<uint64_t>(row.integer(8));
  record.refuting_count = static_cast<uint64_t>(row.integer(9));
  record.neutral_count = static_cast<uint64_t>(row.integer(10));
  record.reasoning = row.text(11);
  record.model_name = row.text(12);
  record.pipeline_version = row.text(13);
  record.retrieval_method = row.text(14);
  record.created_at = row.text(15);
  return record;
}

Result<NliRecord> read_nli_result(const SqliteStatement& row) {
  NliRecord record;
  record.id = row.text(0);
  record.evidence_id = row.text(1);
  ASSIGN_OR_RETURN(record.label, parse_nli_label(row.text(2)));
  record.confidence = row.real(3);
  record.entailment_score = row.real(4);
  record.neutral_score = row.real(5);
  record.contradiction_score = row.real(6);
  record.similarity = row.real(7);
  record.premise = row.text(8);
  record.hypothesis = row.text(9);
  return record;
}

Result<int64_t> claim_number(SqliteDatabase& database, std::string_view tenant, std::string_view id) {
  ASSIGN_OR_RETURN(SqliteStatement select, database.prepare("SELECT number FROM claim WHERE tenant_id = ? AND id = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).bind(id).step());
  if (!found) return error(StatusCode::kNotFound, fmt::format("no claim with id '{}'", id));
  return select.integer(0);
}

std::unexpected<Status> taken(std::string_view what, std::string_view id) {
  return error(StatusCode::kInvalidArgument, fmt::format("there is a {} with id '{}' already", what, id));
}

}  // namespace

Result<void> SqliteStore::add_claim(const ClaimRecord& claim) {
  RETURN_IF_ERROR(check_claim(claim));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  RETURN_IF_ERROR(insert_claim(claim));
  return write.transaction.commit();
}

Result<void> SqliteStore::insert_claim(const ClaimRecord& claim) {
  ASSIGN_OR_RETURN(SqliteStatement insert,
                   m_writer.prepare("INSERT INTO claim (tenant_id, id, text, source_url) VALUES (?, ?, ?, ?) "
                                    "ON CONFLICT (tenant_id, id) DO NOTHING"));
  RETURN_IF_ERROR(insert.bind(claim.tenant).bind(claim.id).bind(claim.text).bind(claim.source_url).run());
  if (m_writer.changed_rows() == 0) return taken("claim", claim.id);
  return {};
}

Result<ClaimRecord> SqliteStore::claim(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", id));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare("SELECT id, tenant_id, text, source_url, submitted_at FROM claim "
                                    "WHERE tenant_id = ? AND id = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).bind(id).step());
  if (!found) return error(StatusCode::kNotFound, fmt::format("no claim with id '{}'", id));
  return read_claim(select);
}

Result<ClaimPage> SqliteStore::claims(std::string_view tenant, uint64_t skip, uint64_t limit) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  if (limit < 1 || limit > kMaxResults) {
    return error(StatusCode::kInvalidArgument, fmt::format("limit: must be 1 to {}", kMaxResults));
  }
  if (skip > INT64_MAX) return error(StatusCode::kInvalidArgument, "skip: is too large");
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(SqliteStatement count, m_reader.prepare("SELECT count(*) FROM claim WHERE tenant_id = ?"));
  RETURN_IF_ERROR(count.bind(tenant).step());
  ClaimPage page;
  page.total = static_cast<uint64_t>(count.integer(0));
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare("SELECT id, tenant_id, text, source_url, submitted_at FROM claim "
                                    "WHERE tenant_id = ? ORDER BY number DESC LIMIT ? OFFSET ?"));
  select.bind(tenant).bind(static_cast<int64_t>(limit)).bind(static_cast<int64_t>(skip));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, select.step());
    if (!row) return page;
    page.items.push_back(read_claim(select));
  }
}

Result<void> SqliteStore::remove_claim(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", id));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  ASSIGN_OR_RETURN(SqliteStatement remove, m_writer.prepare("DELETE FROM claim WHERE tenant_id = ? AND id = ?"));
  RETURN_IF_ERROR(remove.bind(tenant).bind(id).run());
  if (m_writer.changed_rows() == 0) return error(StatusCode::kNotFound, fmt::format("no claim with id '{}'", id));
  return write.transaction.commit();
}

Result<int64_t> SqliteStore::insert_verification(int64_t claim, const VerificationRecord& verification) {
  ASSIGN_OR_RETURN(SqliteStatement insert, m_writer.prepare(kInsertVerification));
  insert.bind(verification.id).bind(claim).bind(verdict_name(verification.verdict)).bind(verification.confidence);
  insert.bind(verification.support_score).bind(verification.refute_score).bind(verification.neutral_score);
  insert.bind(static_cast<int64_t>(verification.evidence_count));
  insert.bind(static_cast<int64_t>(verification.supporting_count));
  insert.bind(static_cast<int64_t>(verification.refuting_count));
  insert.bind(static_cast<int64_t>(verification.neutral_count));
  insert.bind(verification.reasoning).bind(verification.model_name);
  insert.bind(verification.pipeline_version).bind(verification.retrieval_method);
  ASSIGN_OR_RETURN(const bool added, insert.step());
  if (!added) return taken("verdict", verification.id);
  return insert.integer(0);
}

Result<void> SqliteStore::insert_nli_results(int64_t verification, const std::vector<NliRecord>& results) {
  ASSIGN_OR_RETURN(SqliteStatement insert, m_writer.prepare(kInsertNliResult));
  for (const NliRecord& nli : results) {
    insert.bind(nli.id).bind(verification).bind(nli.evidence_id).bind(nli_label_name(nli.label)).bind(nli.confidence);
    insert.bind(nli.entailment_score).bind(nli.neutral_score).bind(nli.contradiction_score).bind(nli.similarity);
    ASSIGN_OR_RETURN(const bool added, insert.bind(nli.premise).bind(nli.hypothesis).step());
    insert.reset();
    if (!added) return taken("entailment result", nli.id);
  }
  return {};
}

Result<void> SqliteStore::add_verification(std::string_view tenant, const VerificationRecord& verification) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_verification(verification));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  ASSIGN_OR_RETURN(const int64_t claim, claim_number(m_writer, tenant, verification.claim_id));
  ASSIGN_OR_RETURN(const int64_t number, insert_verification(claim, verification));
  RETURN_IF_ERROR(insert_nli_results(number, verification.nli_results));
  return write.transaction.commit();
}

Result<void> SqliteStore::add_verified_claim(const ClaimRecord& claim, const VerificationRecord& verification) {
  RETURN_IF_ERROR(check_claim(claim));
  RETURN_IF_ERROR(check_verification(verification));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  RETURN_IF_ERROR(insert_claim(claim));
  ASSIGN_OR_RETURN(const int64_t stored, claim_number(m_writer, claim.tenant, verification.claim_id));
  ASSIGN_OR_RETURN(const int64_t number, insert_verification(stored, verification));
  RETURN_IF_ERROR(insert_nli_results(number, verification.nli_results));
  return write.transaction.commit();
}

Result<VerificationRecord> SqliteStore::verification(std::string_view tenant, std::string_view claim_id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", claim_id));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(const int64_t claim, claim_number(m_reader, tenant, claim_id));
  ASSIGN_OR_RETURN(SqliteStatement select, m_reader.prepare(kSelectVerification));
  ASSIGN_OR_RETURN(const bool found, select.bind(claim).step());
  if (!found) return error(StatusCode::kNotFound, fmt::format("claim '{}' has no verdict yet", claim_id));
  ASSIGN_OR_RETURN(VerificationRecord record, read_verification(select, claim_id));
  ASSIGN_OR_RETURN(SqliteStatement results, m_reader.prepare(kSelectNliResults));
  results.bind(select.integer(0));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, results.step());
    if (!row) return record;
    ASSIGN_OR_RETURN(NliRecord nli, read_nli_result(results));
    record.nli_results.push_back(std::move(nli));
  }
}

}  // namespace vivace
