// The searches of SqliteStore.
#include <cstring>

#include <fmt/format.h>

#include "store/keyword_terms.h"
#include "store/sqlite_store.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

// Each word as a string of FTS5's query language, so that nothing in it is an operator.
std::string match_any(const std::vector<std::string>& terms) {
  std::string expression;
  for (const std::string& term : terms) {
    if (!expression.empty()) expression += " OR ";
    expression += '"' + term + '"';  // terms hold no quotes
  }
  return expression;
}

}  // namespace

Result<size_t> SqliteStore::dimensions_of(std::string_view tenant) {
  ASSIGN_OR_RETURN(SqliteStatement select, m_reader.prepare("SELECT dimensions FROM vector_space WHERE tenant_id = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).step());
  return found ? static_cast<size_t>(select.integer(0)) : 0;
}

// Vectors whose rows were written after the last look. Deleted rows are noticed by their number: see vectors_of().
Result<void> SqliteStore::read_new_vectors(std::string_view tenant, TenantVectors* vectors) {
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare("SELECT embedding.id, evidence.id, evidence.source_url, embedding.vector "
                                    "FROM embedding JOIN evidence ON evidence.number = embedding.evidence_number "
                                    "WHERE embedding.tenant_id = ? AND embedding.id > ? ORDER BY embedding.id"));
  select.bind(tenant).bind(vectors->last_id);
  std::vector<float> values(vectors->index.dimensions());
  const std::unique_lock lock(vectors->mutex);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, select.step());
    if (!row) return {};
    const std::span<const std::byte> blob = select.blob(3);
    if (blob.size() != values.size() * sizeof(float)) {
      return error(StatusCode::kCorruptFile,
                   fmt::format("the store's vector of evidence '{}' has {} bytes, expected {}", select.text(1),
                               blob.size(), values.size() * sizeof(float)));
    }
    std::memcpy(values.data(), blob.data(), blob.size());
    const Result<void> checked = check_vector("the store's vector", values);
    if (!checked) return error(StatusCode::kCorruptFile, checked.error().message);
    vectors->index.put(select.text(1), select.text(2), values);
    vectors->last_id = select.integer(0);
  }
}

Result<std::shared_ptr<SqliteStore::TenantVectors>> SqliteStore::vectors_of(std::string_view tenant,
                                                                            size_t dimensions) {
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(const size_t stored, dimensions_of(tenant));
  if (stored == 0) return nullptr;
  if (stored != dimensions || stored > kMaxDimensions) {
    return error(
        StatusCode::kInvalidArgument,
        fmt::format("the query vector has {} values, the store's have {}; use the model that it was filled with",
                    dimensions, stored));
  }
  ASSIGN_OR_RETURN(const auto stamp, m_reader.change_stamp());
  auto known = m_vectors.find(tenant);
  if (known != m_vectors.end() && known->second->stamp == stamp) return known->second;
  if (known == m_vectors.end()) {
    known = m_vectors.emplace(tenant, std::make_shared<TenantVectors>(*m_kernels, dimensions)).first;
  }
  RETURN_IF_ERROR(read_new_vectors(tenant, known->second.get()));
  ASSIGN_OR_RETURN(SqliteStatement count, m_reader.prepare("SELECT count(*) FROM embedding WHERE tenant_id = ?"));
  RETURN_IF_ERROR(count.bind(tenant).step());
  if (static_cast<size_t>(count.integer(0)) != known->second->index.size()) {
    // Rows are gone: searches under way keep the old index.
    known->second = std::make_shared<TenantVectors>(*m_kernels, dimensions);
    RETURN_IF_ERROR(read_new_vectors(tenant, known->second.get()));
  }
  known->second->stamp = stamp;
  return known->second;
}

// In the background, in small steps: searches go on beside it, writers wait for a step at most.
void SqliteStore::build_graph(TenantVectors* vectors) {
  constexpr size_t kRowsOfStep = 64;
  {
    const std::shared_lock lock(vectors->mutex);
    if (!vectors->index.wants_graph()) return;
  }
  std::call_once(vectors->building, [vectors] {
    vectors->builder = std::jthread([vectors](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const std::shared_lock lock(vectors->mutex);
        if (!vectors->index.extend_graph(kRowsOfStep)) return;
      }
    });
  });
}

Result<std::vector<ScoredEvidence>> SqliteStore::search_vectors(const VectorQuery& query) {
  RETURN_IF_ERROR(check_query(query));
  ASSIGN_OR_RETURN(const std::shared_ptr<TenantVectors> vectors, vectors_of(query.tenant, query.vector.size()));
  if (vectors == nullptr) return std::vector<ScoredEvidence>();
  std::vector<VectorHit> hits;
  {
    const std::shared_lock lock(vectors->mutex);
    hits = vectors->index.search({.vector = query.vector,
                                  .limit = query.limit,
                                  .min_similarity = query.min_similarity,
                                  .group = query.source_url});
  }
  build_graph(vectors.get());
  std::vector<ScoredEvidence> found;
  const std::lock_guard lock(m_read_mutex);
  for (const VectorHit& hit : hits) {
    Result<EvidenceRecord> evidence = read_evidence(query.tenant, hit.id);
    if (!evidence && evidence.error().code == StatusCode::kNotFound) continue;  // removed meanwhile
    if (!evidence) return std::unexpected(evidence.error());
    found.push_back({std::move(*evidence), hit.similarity});
  }
  return found;
}

Result<std::vector<ScoredEvidence>> SqliteStore::search_keywords(const KeywordQuery& query) {
  RETURN_IF_ERROR(check_query(query));
  const std::string expression = match_any(keyword_terms(query.text));
  if (expression.empty()) return std::vector<ScoredEvidence>();
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(
      SqliteStatement select,
      m_reader.prepare("SELECT evidence.id, evidence.content, source_url, source_type, created_at, "
                       "bm25(evidence_text) AS score FROM evidence_text "
                       "JOIN evidence ON evidence.number = evidence_text.rowid WHERE evidence_text MATCH ? "
                       "AND tenant_id = ? AND (? = 0 OR source_url = ?) ORDER BY score, evidence.id LIMIT ?"));
  const std::string source = query.source_url.value_or("");
  select.bind(expression).bind(query.tenant).bind(int64_t{query.source_url ? 1 : 0}).bind(source);
  select.bind(static_cast<int64_t>(query.limit));
  std::vector<ScoredEvidence> found;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, select.step());
    if (!row) return found;
    found.push_back({.evidence = {.id = select.text(0),
                                  .content = select.text(1),
                                  .source_url = select.text(2),
                                  .source_type = select.text(3),
                                  .created_at = select.text(4)},
                     .score = -select.real(5)});  // SQLite's bm25() is smaller for better rows
  }
}

Result<std::vector<std::optional<double>>> SqliteStore::similarities(std::string_view tenant,
                                                                     std::span<const float> vector,
                                                                     std::span<const std::string> ids) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_vector("query vector", vector));
  ASSIGN_OR_RETURN(const std::shared_ptr<TenantVectors> vectors, vectors_of(tenant, vector.size()));
  std::vector<std::optional<double>> answers(ids.size());
  if (vectors == nullptr) return answers;
  const std::shared_lock lock(vectors->mutex);
  for (size_t i = 0; i < ids.size(); ++i) answers[i] = vectors->index.similarity(ids[i], vector);
  return answers;
}

}  // namespace vivace
