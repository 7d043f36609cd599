// The claims and verdicts of PostgresStore.
#include <fmt/format.h>

#include "store/postgres_store.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

std::unexpected<Status> taken(std::string_view what, std::string_view id) {
  return error(StatusCode::kInvalidArgument, fmt::format("there is a {} with id '{}' already", what, id));
}

std::string claim_columns() {
  return "id, tenant_id, text, source_url, " + postgres_time("submitted_at");
}

ClaimRecord read_claim(const PostgresRows& rows, size_t row) {
  return {.id = rows.text(row, 0),
          .tenant = rows.text(row, 1),
          .text = rows.text(row, 2),
          .source_url = rows.text(row, 3),
          .submitted_at = rows.text(row, 4)};
}

Result<VerificationRecord> read_verification(const PostgresRows& rows, std::string_view claim_id) {
  VerificationRecord record;
  record.id = rows.text(0, 1);
  record.claim_id = claim_id;
  ASSIGN_OR_RETURN(record.verdict, parse_verdict(rows.text(0, 2)));
  record.confidence = rows.real(0, 3);
  record.support_score = rows.real(0, 4);
  record.refute_score = rows.real(0, 5);
  record.neutral_score = rows.real(0, 6);
  record.evidence_count = static_cast<uint64_t>(rows.integer(0, 7));
  record.supporting_count = static_cast<uint64_t>(rows.integer(0, 8));
  record.refuting_count = static_cast<uint64_t>(rows.integer(0, 9));
  record.neutral_count = static_cast<uint64_t>(rows.integer(0, 10));
  record.reasoning = rows.text(0, 11);
  record.model_name = rows.text(0, 12);
  record.pipeline_version = rows.text(0, 13);
  record.retrieval_method = rows.text(0, 14);
  record.created_at = rows.text(0, 15);
  return record;
}

Result<NliRecord> read_nli_result(const PostgresRows& rows, size_t row) {
  NliRecord record;
  record.id = rows.text(row, 0);
  record.evidence_id = rows.text(row, 1);
  ASSIGN_OR_RETURN(record.label, parse_nli_label(rows.text(row, 2)));
  record.confidence = rows.real(row, 3);
  record.entailment_score = rows.real(row, 4);
  record.neutral_score = rows.real(row, 5);
  record.contradiction_score = rows.real(row, 6);
  record.similarity = rows.real(row, 7);
  record.premise = rows.text(row, 8);
  record.hypothesis = rows.text(row, 9);
  return record;
}

Result<void> insert_claim(PostgresConnection& connection, const ClaimRecord& claim) {
  ASSIGN_OR_RETURN(
      const PostgresRows rows,
      connection.run("INSERT INTO claim (tenant_id, id, text, source_url) VALUES ($1, $2, $3, $4) "
                     "ON CONFLICT (tenant_id, id) DO NOTHING",
                     PostgresValues().add(claim.tenant).add(claim.id).add(claim.text).add(claim.source_url)));
  if (rows.changed() == 0) return taken("claim", claim.id);
  return {};
}

Result<int64_t> claim_number(PostgresConnection& connection, std::string_view tenant, std::string_view id) {
  ASSIGN_OR_RETURN(const PostgresRows rows, connection.run("SELECT number FROM claim WHERE tenant_id = $1 AND id = $2",
                                                           PostgresValues().add(tenant).add(id)));
  if (rows.size() == 0) return error(StatusCode::kNotFound, fmt::format("no claim with id '{}'", id));
  return rows.integer(0, 0);
}

Result<int64_t> insert_verification(PostgresConnection& connection, int64_t claim,
                                    const VerificationRecord& verification) {
  PostgresValues values;
  values.add(verification.id).add(claim).add(verdict_name(verification.verdict)).add(verification.confidence);
  values.add(verification.support_score).add(verification.refute_score).add(verification.neutral_score);
  values.add(static_cast<int64_t>(verification.evidence_count));
  values.add(static_cast<int64_t>(verification.supporting_count));
  values.add(static_cast<int64_t>(verification.refuting_count));
  values.add(static_cast<int64_t>(verification.neutral_count));
  values.add(verification.reasoning).add(verification.model_name);
  values.add(verification.pipeline_version).add(verification.retrieval_method);
  ASSIGN_OR_RETURN(
      const PostgresRows rows,
      connection.run(
          "INSERT INTO verification (id, claim_number, verdict, confidence, support_score, refute_score, "
          "neutral_score, "
          "evidence_count, supporting_count, refuting_count, neutral_count, reasoning, model_name, pipeline_version, "
          "retrieval_method) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT "
          "(id) "
          "DO NOTHING RETURNING number",
          values));
  if (rows.size() == 0) return taken("verdict", verification.id);
  return rows.integer(0, 0);
}

Result<void> insert_nli_results(PostgresConnection& connection, int64_t verification,
                                const std::vector<NliRecord>& results) {
  for (const NliRecord& nli : results) {
    PostgresValues values;
    values.add(nli.id).add(verification).add(nli.evidence_id).add(nli_label_name(nli.label)).add(nli.confidence);
    values.add(nli.entailment_score).add(nli.neutral_score).add(nli.contradiction_score).add(nli.similarity);
    values.add(nli.premise).add(nli.hypothesis);
    ASSIGN_OR_RETURN(
        const PostgresRows rows,
        connection.run("INSERT INTO nli_result (id, verification_number, evidence_id, label, confidence, "
                       "entailment_score, neutral_score, contradiction_score, similarity, premise, hypothesis) VALUES "
                       "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING",
                       values));
    if (rows.changed() == 0) return taken("entailment result", nli.id);
  }
  return {};
}

}  // namespace

Result<void> PostgresStore::add_claim(const ClaimRecord& claim) {
  RETURN_IF_ERROR(check_claim(claim));
  ASSIGN_OR_RETURN(const PostgresPool::Lease connection, m_pool->lease());
  return insert_claim(*connection, claim);
}

Result<ClaimRecord> PostgresStore::claim(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", id));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT " + claim_columns() + " FROM claim WHERE tenant_id = $1 AND id = $2",
                       PostgresValues().add(tenant).add(id)));
  if (rows.size() == 0) return error(StatusCode::kNotFound, fmt::format("no claim with id '{}'", id));
  return read_claim(rows, 0);
}

Result<ClaimPage> PostgresStore::claims(std::string_view tenant, uint64_t skip, uint64_t limit) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  if (limit < 1 || limit > kMaxResults) {
    return error(StatusCode::kInvalidArgument, fmt::format("limit: must be 1 to {}", kMaxResults));
  }
  if (skip > INT64_MAX) return error(StatusCode::kInvalidArgument, "skip: is too large");
  ASSIGN_OR_RETURN(const PostgresRows count,
                   run("SELECT count(*) FROM claim WHERE tenant_id = $1", PostgresValues().add(tenant)));
  ClaimPage page;
  page.total = static_cast<uint64_t>(count.integer(0, 0));
  PostgresValues values;
  values.add(tenant).add(static_cast<int64_t>(limit)).add(static_cast<int64_t>(skip));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT " + claim_columns() +
                           " FROM claim WHERE tenant_id = $1 ORDER BY number DESC LIMIT $2::bigint OFFSET $3::bigint",
                       values));
  for (size_t i = 0; i < rows.size(); ++i) page.items.push_back(read_claim(rows, i));
  return page;
}

Result<void> PostgresStore::remove_claim(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", id));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("DELETE FROM claim WHERE tenant_id = $1 AND id = $2", PostgresValues().add(tenant).add(id)));
  if (rows.changed() == 0) return error(StatusCode::kNotFound, fmt::format("no claim with id '{}'", id));
  return {};
}

Result<void> PostgresStore::add_verification(std::string_view tenant, const VerificationRecord& verification) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_verification(verification));
  ASSIGN_OR_RETURN(const PostgresPool::Lease connection, m_pool->lease());
  ASSIGN_OR_RETURN(PostgresTransaction transaction, PostgresTransaction::begin(*connection));
  ASSIGN_OR_RETURN(const int64_t claim, claim_number(*connection, tenant, verification.claim_id));
  ASSIGN_OR_RETURN(const int64_t number, insert_verification(*connection, claim, verification));
  RETURN_IF_ERROR(insert_nli_results(*connection, number, verification.nli_results));
  return transaction.commit();
}

Result<void> PostgresStore::add_verified_claim(const ClaimRecord& claim, const VerificationRecord& verification) {
  RETURN_IF_ERROR(check_claim(claim));
  RETURN_IF_ERROR(check_verification(verification));
  ASSIGN_OR_RETURN(const PostgresPool::Lease connection, m_pool->lease());
  ASSIGN_OR_RETURN(PostgresTransaction transaction, PostgresTransaction::begin(*connection));
  RETURN_IF_ERROR(insert_claim(*connection, claim));
  ASSIGN_OR_RETURN(const int64_t stored, claim_number(*connection, claim.tenant, verification.claim_id));
  ASSIGN_OR_RETURN(const int64_t number, insert_verification(*connection, stored, verification));
  RETURN_IF_ERROR(insert_nli_results(*connection, number, verification.nli_results));
  return transaction.commit();
}

Result<VerificationRecord> PostgresStore::verification(std::string_view tenant, std::string_view claim_id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("claim id", claim_id));
  ASSIGN_OR_RETURN(const PostgresPool::Lease connection, m_pool->lease());
  ASSIGN_OR_RETURN(const int64_t claim, claim_number(*connection, tenant, claim_id));
  ASSIGN_OR_RETURN(
      const PostgresRows rows,
      connection->run("SELECT number, id, verdict, confidence, support_score, refute_score, neutral_score, "
                      "evidence_count, supporting_count, refuting_count, neutral_count, reasoning, model_name, "
                      "pipeline_version, retrieval_method, " +
                          postgres_time("created_at") +
                          " FROM verification WHERE claim_number = $1 ORDER BY number DESC LIMIT 1",
                      PostgresValues().add(claim)));
  if (rows.size() == 0) return error(StatusCode::kNotFound, fmt::format("claim '{}' has no verdict yet", claim_id));
  ASSIGN_OR_RETURN(VerificationRecord record, read_verification(rows, claim_id));
  ASSIGN_OR_RETURN(
      const PostgresRows results,
      connection->run(
          "SELECT id, evidence_id, label, confidence, entailment_score, neutral_score, contradiction_score, "
          "similarity, premise, hypothesis FROM nli_result WHERE verification_number = $1 ORDER BY number",
          PostgresValues().add(rows.integer(0, 0))));
  for (size_t i = 0; i < results.size(); ++i) {
    ASSIGN_OR_RETURN(NliRecord nli, read_nli_result(results, i));
    record.nli_results.push_back(std::move(nli));
  }
  return record;
}

}  // namespace vivace
