// Claim verification: vectors, search and entailment.
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "apps/claims/claim_judgement.h"
#include "apps/claims/query_embedding.h"
#include "server/claims_handlers.h"

namespace vivace {
namespace {

constexpr size_t kMaxEmbedTexts = 100;
constexpr size_t kMaxEmbedCharacters = 65536;
constexpr size_t kMaxNliCharacters = 2000;
constexpr size_t kMaxNliPairs = 50;
constexpr size_t kMaxQueryCharacters = 1000;

ApiResult<std::vector<std::string>> read_embed_texts(const JsonValue& root) {
  const auto value = root.get("texts");
  if (!value) return schema_error("texts", value.error().message);
  const auto items = value->as_array(kMaxEmbedTexts);
  if (!items) return schema_error("texts", items.error().message);
  if (items->empty()) return schema_error("texts", "texts: is an empty list");
  std::vector<std::string> texts;
  for (const JsonValue& item : *items) {
    auto text = check_claims_text(item, "texts", {.least = 1, .most = kMaxEmbedCharacters});
    if (!text) return std::unexpected(std::move(text).error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

ApiResult<EntailPair> read_pair(const JsonValue& value) {
  const LengthLimits limits{.least = 1, .most = kMaxNliCharacters};
  if (value.is_object()) {
    auto premise = required_text(value, "premise", limits);
    if (!premise) return std::unexpected(std::move(premise).error());
    auto hypothesis = required_text(value, "hypothesis", limits);
    if (!hypothesis) return std::unexpected(std::move(hypothesis).error());
    return EntailPair{std::move(*premise), std::move(*hypothesis)};
  }
  const auto two = value.as_array(2);
  if (!two || two->size() != 2) return schema_error("pairs", value.path() + ": expected [premise, hypothesis]");
  auto premise = check_claims_text((*two)[0], "pairs", limits);
  if (!premise) return std::unexpected(std::move(premise).error());
  auto hypothesis = check_claims_text((*two)[1], "pairs", limits);
  if (!hypothesis) return std::unexpected(std::move(hypothesis).error());
  return EntailPair{std::move(*premise), std::move(*hypothesis)};
}

Result<EntailResponse> entail(ClaimsCall& call, std::vector<EntailPair> pairs) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, call.claims.await_model(kEntailmentRole, call.patience));
  EntailRequest request;
  const size_t size = pairs.size();
  request.pairs = std::move(pairs);
  request.deadline = call.patience.deadline;
  request.cancel = call.patience.cancel;
  const auto start = std::chrono::steady_clock::now();
  auto response = engine->run(std::move(request));
  if (!response) return response;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  call.claims.stats().nli_seconds.observe(seconds);
  call.claims.stats().nli_pairs.add(size);
  call.claims.history().record("nli_latency_ms", seconds * 1000);
  return response;
}

void write_entailment(const Entailment& entailment, JsonWriter* json) {
  const JudgedEvidence judged = judge_evidence({}, entailment);
  json->key("label").value(nli_label_name(judged.label)).key("confidence").value(judged.confidence);
  json->key("scores").begin_object().key("entailment").value(judged.entailment);
  json->key("contradiction").value(judged.contradiction).key("neutral").value(judged.neutral).end_object();
  if (judged.truncated) json->key("truncated").value(true);
}

ApiResult<EvidenceSearch> read_search(const ClaimsCall& call, const JsonValue& root) {
  EvidenceSearch search;
  auto query = required_text(root, "query", {.least = 1, .most = kMaxQueryCharacters});
  if (!query) return std::unexpected(std::move(query).error());
  search.text = std::move(*query);
  const auto limit = integer_field(root, "limit", 10, 1, 100);
  if (!limit) return std::unexpected(limit.error());
  search.limit = static_cast<size_t>(*limit);
  const auto mode = mode_field(root, "mode");
  if (!mode) return std::unexpected(mode.error());
  search.mode = *mode;
  const auto similarity = share_field(root, "min_similarity");
  if (!similarity) return std::unexpected(similarity.error());
  search.min_similarity = similarity->value_or(0);
  auto source = optional_text(root, "source_filter", kMaxQueryCharacters);
  if (!source) return std::unexpected(std::move(source).error());
  if (!source->empty()) search.source_url = std::move(*source);
  auto tenant = tenant_of(call, root);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  search.tenant = std::move(*tenant);
  return search;
}

struct FoundEvidence {
  std::vector<EvidenceHit> hits;
  bool truncated = false;  // the vector is of the query's beginning
  double embed_ms = 0;     // 0 without a vector
  double search_ms = 0;
};

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

Result<FoundEvidence> find_evidence(ClaimsCall& call, EvidenceSearch& search) {
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  FoundEvidence found;
  auto start = std::chrono::steady_clock::now();
  if (search.mode != SearchMode::kKeyword) {
    ASSIGN_OR_RETURN(const std::shared_ptr<Engine> embedder, call.claims.await_model(kEmbedderRole, call.patience));
    RETURN_IF_ERROR(check_vector_model(*store, search.tenant, embedder->info()));
    ASSIGN_OR_RETURN(QueryVector vector, embed_query(*embedder, search.text, call.patience));
    search.vector = std::move(vector.values);
    found.truncated = vector.truncated;
    call.claims.stats().embeddings.add();
    found.embed_ms = milliseconds_since(start);
    start = std::chrono::steady_clock::now();
  }
  int retries = 0;
  ASSIGN_OR_RETURN(found.hits, with_retries(RetryPolicy{}, call.patience, &retries,
                                            [&] { return search_evidence(*store, search); }));
  found.search_ms = milliseconds_since(start);
  return found;
}

void write_hit(size_t rank, const EvidenceHit& hit, JsonWriter* json) {
  json->begin_object().key("evidence_id").value(hit.evidence.id).key("content").value(hit.evidence.content);
  write_optional("source_url", hit.evidence.source_url, json);
  json->key("similarity");
  if (hit.similarity) {
    json->value(*hit.similarity);
  } else {
    json->null();
  }
  json->key("rank").value(static_cast<uint64_t>(rank)).key("score").value(hit.score);
  json->key("matched_via").value(matched_via_name(hit.via)).end_object();
}

}  // namespace

ClaimsReply claims_embed(ClaimsCall& call) {
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  auto texts = read_embed_texts(document->root());
  if (!texts) return std::unexpected(std::move(texts).error());
  // Batches are cut by tokens here; the field is only checked.
  const auto batch = integer_field(document->root(), "batch_size", 32, 1, 128);
  if (!batch) return std::unexpected(batch.error());
  ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, call.claims.await_model(kEmbedderRole, call.patience));
  EmbedRequest request;
  request.texts = std::move(*texts);
  request.deadline = call.patience.deadline;
  request.cancel = call.patience.cancel;
  ASSIGN_OR_RETURN(const EmbedResponse response, engine->embed(std::move(request)));
  call.claims.stats().embeddings.add(response.embeddings.size());
  call.claims.stats().embedding_seconds.observe(call.milliseconds() / 1000);
  call.claims.history().record("embed_latency_ms", call.milliseconds());
  JsonWriter json;
  json.begin_object().key("embeddings").begin_array();
  for (const TextEmbedding& embedding : response.embeddings) json.values(embedding.values);
  json.end_array().key("truncated").begin_array();
  for (const TextEmbedding& embedding : response.embeddings) json.value(embedding.truncated);
  json.end_array().key("count").value(static_cast<uint64_t>(response.embeddings.size()));
  json.key("dimension").value(static_cast<uint64_t>(response.embeddings.front().values.size()));
  json.key("processing_time_ms").value(call.milliseconds()).end_object();
  return json_response(&json);
}

ClaimsReply claims_search(ClaimsCall& call) {
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  auto search = read_search(call, document->root());
  if (!search) return std::unexpected(std::move(search).error());
  ASSIGN_OR_RETURN(const FoundEvidence found, find_evidence(call, *search));
  const std::vector<EvidenceHit>& hits = found.hits;
  call.claims.stats().retrieval_seconds.observe(call.milliseconds() / 1000);
  call.claims.history().record("search_latency_ms", call.milliseconds());
  JsonWriter json;
  json.begin_object().key("results").begin_array();
  for (size_t i = 0; i < hits.size(); ++i) write_hit(i + 1, hits[i], &json);
  json.end_array().key("count").value(static_cast<uint64_t>(hits.size())).key("query").value(search->text);
  if (found.truncated) json.key("truncated").value(true);
  json.key("mode").value(search_mode_name(search->mode)).key("query_time_ms").value(call.milliseconds()).end_object();
  HttpResponse response = json_response(&json);
  response.server_timing = fmt::format("embed;dur={:.3f}, search;dur={:.3f}", found.embed_ms, found.search_ms);
  return response;
}

ClaimsReply claims_nli(ClaimsCall& call) {
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  auto pair = read_pair(document->root());
  if (!pair) return std::unexpected(std::move(pair).error());
  std::vector<EntailPair> pairs;
  pairs.push_back(std::move(*pair));
  ASSIGN_OR_RETURN(const EntailResponse response, entail(call, std::move(pairs)));
  JsonWriter json;
  json.begin_object();
  write_entailment(response.results.front(), &json);
  json.key("processing_time_ms").value(call.milliseconds()).end_object();
  return json_response(&json);
}

ClaimsReply claims_nli_batch(ClaimsCall& call) {
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  const auto value = document->root().get("pairs");
  if (!value) return schema_error("pairs", value.error().message);
  const auto items = value->as_array(kMaxNliPairs);
  if (!items) return schema_error("pairs", items.error().message);
  if (items->empty()) return schema_error("pairs", "pairs: is an empty list");
  std::vector<EntailPair> pairs;
  for (const JsonValue& item : *items) {
    auto pair = read_pair(item);
    if (!pair) return std::unexpected(std::move(pair).error());
    pairs.push_back(std::move(*pair));
  }
  const auto batch = integer_field(document->root(), "batch_size", 8, 1, 32);
  if (!batch) return std::unexpected(batch.error());
  ASSIGN_OR_RETURN(const EntailResponse response, entail(call, std::move(pairs)));
  JsonWriter json;
  json.begin_object().key("results").begin_array();
  for (const Entailment& entailment : response.results) {
    json.begin_object();
    write_entailment(entailment, &json);
    json.end_object();
  }
  json.end_array().key("count").value(static_cast<uint64_t>(response.results.size()));
  json.key("total_processing_time_ms").value(call.milliseconds()).end_object();
  return json_response(&json);
}

}  // namespace vivace
