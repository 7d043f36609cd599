// The searches of PostgresStore.
#include <fmt/format.h>

#include "store/index_words.h"
#include "store/keyword_terms.h"
#include "store/postgres_store.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

// BM25 as SQLite's FTS5 computes it: k1 = 1.2, b = 0.75, a word that most rows hold counts next to nothing. A word
// that is asked for in two forms counts twice.
constexpr char kKeywordSearch[] = R"sql(
WITH asked AS (
  SELECT vivace.stem(word) AS term, count(*)::float8 AS times
  FROM unnest($1::text[]) AS word GROUP BY 1
), corpus AS (
  SELECT count(*)::float8 AS size, greatest(avg(words)::float8, 1) AS mean_words FROM evidence
), holders AS (
  SELECT term, count(*)::float8 AS size FROM evidence_term WHERE term IN (SELECT term FROM asked) GROUP BY term
), scored AS (
  SELECT evidence_term.evidence_number AS number, sum(
    asked.times * greatest(ln((corpus.size - holders.size + 0.5) / (holders.size + 0.5)), 1e-6) *
    evidence_term.frequency * 2.2 /
    (evidence_term.frequency + 1.2 * (0.25 + 0.75 * evidence.words / corpus.mean_words))) AS score
  FROM asked JOIN holders USING (term) JOIN evidence_term USING (term)
  JOIN evidence ON evidence.number = evidence_term.evidence_number CROSS JOIN corpus
  WHERE evidence.tenant_id = $2 AND ($3 = '0' OR evidence.source_url = $4)
  GROUP BY evidence_term.evidence_number
)
SELECT id, content, source_url, source_type, {}, score FROM scored JOIN evidence USING (number)
ORDER BY score DESC, id COLLATE "C" LIMIT $5::bigint
)sql";

std::vector<ScoredEvidence> read_scored(const PostgresRows& rows) {
  std::vector<ScoredEvidence> found;
  for (size_t i = 0; i < rows.size(); ++i) {
    found.push_back({.evidence = {.id = rows.text(i, 0),
                                  .content = rows.text(i, 1),
                                  .source_url = rows.text(i, 2),
                                  .source_type = rows.text(i, 3),
                                  .created_at = rows.text(i, 4)},
                     .score = rows.real(i, 5)});
  }
  return found;
}

}  // namespace

Result<bool> PostgresStore::check_dimensions(std::string_view tenant, size_t dimensions) {
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run("SELECT dimensions FROM vector_space WHERE tenant_id = $1", PostgresValues().add(tenant)));
  if (rows.size() == 0) return false;
  const auto stored = static_cast<size_t>(rows.integer(0, 0));
  if (stored == dimensions) return true;
  return error(StatusCode::kInvalidArgument,
               fmt::format("the query vector has {} values, the store's have {}; use the model that it was filled with",
                           dimensions, stored));
}

Result<std::vector<ScoredEvidence>> PostgresStore::search_vectors(const VectorQuery& query) {
  RETURN_IF_ERROR(check_query(query));
  ASSIGN_OR_RETURN(const bool has_vectors, check_dimensions(query.tenant, query.vector.size()));
  if (!has_vectors) return std::vector<ScoredEvidence>();
  PostgresValues values;
  values.add(query.tenant).add(vector_text(query.vector)).add(query.source_url ? "1" : "0");
  values.add(query.source_url.value_or("")).add(query.min_similarity).add(static_cast<int64_t>(query.limit));
  const std::string sql = fmt::format(
      "SELECT id, content, source_url, source_type, {}, score FROM (SELECT embedding.evidence_number AS number, {} AS "
      "score FROM embedding WHERE embedding.tenant_id = $1) AS scored JOIN evidence USING (number) WHERE score >= "
      "$5::float8 AND ($3 = '0' OR source_url = $4) ORDER BY score DESC, id COLLATE \"C\" LIMIT $6::bigint",
      postgres_time("created_at"), cosine(2));
  ASSIGN_OR_RETURN(const PostgresRows rows, run(sql, values));
  return read_scored(rows);
}

Result<std::vector<ScoredEvidence>> PostgresStore::search_keywords(const KeywordQuery& query) {
  RETURN_IF_ERROR(check_query(query));
  std::vector<std::string> words;
  for (const std::string& term : keyword_terms(query.text)) {
    for (std::string& word : index_words(term)) words.push_back(std::move(word));
  }
  if (words.empty()) return std::vector<ScoredEvidence>();
  PostgresValues values;
  values.add(postgres_array(words)).add(query.tenant).add(query.source_url ? "1" : "0");
  values.add(query.source_url.value_or("")).add(static_cast<int64_t>(query.limit));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run(fmt::format(fmt::runtime(kKeywordSearch), postgres_time("created_at")), values));
  return read_scored(rows);
}

Result<std::vector<std::optional<double>>> PostgresStore::similarities(std::string_view tenant,
                                                                       std::span<const float> vector,
                                                                       std::span<const std::string> ids) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_vector("query vector", vector));
  std::vector<std::optional<double>> answers(ids.size());
  ASSIGN_OR_RETURN(const bool has_vectors, check_dimensions(tenant, vector.size()));
  if (!has_vectors || ids.empty()) return answers;
  const std::string sql = fmt::format(
      "SELECT place, {} FROM unnest($2::text[]) WITH ORDINALITY AS asked (id, place) JOIN evidence ON evidence.id = "
      "asked.id AND evidence.tenant_id = $1 JOIN embedding ON embedding.evidence_number = evidence.number",
      cosine(3));
  ASSIGN_OR_RETURN(const PostgresRows rows,
                   run(sql, PostgresValues().add(tenant).add(postgres_array(ids)).add(vector_text(vector))));
  for (size_t i = 0; i < rows.size(); ++i) answers.at(static_cast<size_t>(rows.integer(i, 0)) - 1) = rows.real(i, 1);
  return answers;
}

}  // namespace vivace
