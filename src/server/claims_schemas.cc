#include "server/claims_schemas.h"

namespace vivace {
namespace {

constexpr char kEmbedRequest[] =
    R"({"type":"object","required":["texts"],"properties":{"texts":{"type":"array","minItems":1,"maxItems":100,)"
    R"("items":{"type":"string","minLength":1,"maxLength":65536,"pattern":"\\S"}},)"
    R"("batch_size":{"type":["integer","null"],"minimum":1,"maximum":128,"default":32}}})";
constexpr char kEmbedResponse[] =
    R"({"type":"object","required":["embeddings","truncated","count","dimension","processing_time_ms"],"properties":{)"
    R"("embeddings":{"type":"array","items":{"type":"array","items":{"type":"number"}}},)"
    R"("truncated":{"type":"array","items":{"type":"boolean"},"description":"Of each text: it was cut"},)"
    R"("count":{"type":"integer"},)"
    R"("dimension":{"type":"integer"},"processing_time_ms":{"type":"number"}}})";
constexpr char kSearchRequest[] =
    R"({"type":"object","required":["query"],"properties":{)"
    R"("query":{"type":"string","minLength":1,"maxLength":1000,"pattern":"\\S"},)"
    R"("limit":{"type":["integer","null"],"minimum":1,"maximum":100,"default":10},)"
    R"("mode":{"enum":["hybrid","vector","keyword",null],"default":"hybrid"},)"
    R"("min_similarity":{"type":["number","null"],"minimum":0,"maximum":1,"default":0},)"
    R"("tenant_id":{"type":["string","null"],"maxLength":50},)"
    R"("source_filter":{"type":["string","null"],"maxLength":1000,"description":"Only this source_url"}}})";
constexpr char kSearchResponse[] =
    R"({"type":"object","required":["results","count","query","mode","query_time_ms"],"properties":{)"
    R"("results":{"type":"array","items":{"type":"object","required":["evidence_id","content","source_url",)"
    R"("similarity","rank"],"properties":{"evidence_id":{"type":"string"},"content":{"type":"string"},)"
    R"("source_url":{"type":["string","null"]},"similarity":{"type":["number","null"]},"rank":{"type":"integer"},)"
    R"("score":{"type":"number"},"matched_via":{"enum":["vector","keyword","both"]}}}},"count":{"type":"integer"},)"
    R"("query":{"type":"string"},"truncated":{"type":"boolean","description":"Sought by the query's beginning"},)"
    R"("mode":{"type":"string"},"query_time_ms":{"type":"number"}}})";
constexpr char kNliRequest[] = R"({"type":"object","required":["premise","hypothesis"],"properties":{)"
                               R"("premise":{"type":"string","minLength":1,"maxLength":2000,"pattern":"\\S"},)"
                               R"("hypothesis":{"type":"string","minLength":1,"maxLength":2000,"pattern":"\\S"}}})";
constexpr char kNliResponse[] =
    R"({"type":"object","required":["label","confidence","scores"],"properties":{)"
    R"("label":{"enum":["entailment","neutral","contradiction"]},"confidence":{"type":"number"},)"
    R"("scores":{"type":"object","required":["entailment","contradiction","neutral"],)"
    R"("additionalProperties":{"type":"number"}},"truncated":{"type":"boolean"},)"
    R"("processing_time_ms":{"type":"number"}}})";
constexpr char kNliBatchRequest[] =
    R"({"type":"object","required":["pairs"],"properties":{"pairs":{"type":"array","minItems":1,"maxItems":50,)"
    R"("items":{"type":"array","minItems":2,"maxItems":2,)"
    R"("items":{"type":"string","minLength":1,"maxLength":2000,"pattern":"\\S"}}},)"
    R"("batch_size":{"type":["integer","null"],"minimum":1,"maximum":32,"default":8}}})";
constexpr char kNliBatchResponse[] =
    R"({"type":"object","required":["results","count","total_processing_time_ms"],"properties":{)"
    R"("results":{"type":"array","items":{"$ref":"#/components/schemas/NliResponse"}},"count":{"type":"integer"},)"
    R"("total_processing_time_ms":{"type":"number"}}})";
constexpr char kVerifyRequest[] =
    R"({"type":"object","required":["claim"],"properties":{)"
    R"("claim":{"type":"string","minLength":1,"maxLength":2000,"pattern":"\\S"},)"
    R"("tenant_id":{"type":["string","null"],"maxLength":50},)"
    R"("max_evidence":{"type":["integer","null"],"minimum":1,"maximum":50,"default":10},)"
    R"("confidence_threshold":{"type":["number","null"],"minimum":0,"maximum":1,)"
    R"("description":"A less certain verdict becomes INSUFFICIENT"},)"
    R"("search_mode":{"enum":["hybrid","vector","keyword",null],"default":"hybrid"},)"
    R"("strategy":{"enum":["weighted_vote","majority_vote","confidence_threshold","strict_consensus",)"
    R"("mean_confidence",null],"default":"weighted_vote"},)"
    R"("min_similarity":{"type":["number","null"],"minimum":0,"maximum":1,"default":0.3}}})";
constexpr char kVerifyResponse[] =
    R"({"type":"object","required":["verdict","confidence","evidence","explanation","claim_id","verification_id",)"
    R"("processing_time_ms"],"properties":{"verdict":{"enum":["SUPPORTED","REFUTED","INSUFFICIENT"]},)"
    R"("confidence":{"type":"number"},"evidence":{"type":"array","items":{"type":"object",)"
    R"("required":["evidence_id","content","source_url","nli_label","nli_confidence","similarity"]}},)"
    R"("explanation":{"type":"string"},"claim_id":{"type":"string"},"verification_id":{"type":"string"},)"
    R"("stored":{"type":"boolean"},"not_stored_because":{"type":"string"},)"
    R"("processing_time_ms":{"type":"number"},"has_conflict":{"type":"boolean"},"cached":{"type":"boolean"},)"
    R"("claim_truncated":{"type":"boolean","description":"Evidence was sought by the claim's beginning"},)"
    R"("stages_ms":{"type":"object","additionalProperties":{"type":"number"}}}})";
constexpr char kVerdict[] =
    R"({"type":"object","required":["claim_id","claim_text","verdict","confidence","reasoning","evidence_count",)"
    R"("supporting_count","refuting_count","created_at"],"properties":{"claim_id":{"type":"string"},)"
    R"("claim_text":{"type":"string"},"verdict":{"enum":["SUPPORTED","REFUTED","INSUFFICIENT"]},)"
    R"("confidence":{"type":"number"},"reasoning":{"type":"string"},"created_at":{"type":"string"}}})";
constexpr char kClaimRequest[] =
    R"({"type":"object","required":["text"],"properties":{)"
    R"("text":{"type":"string","minLength":1,"maxLength":5000,"pattern":"\\S"},)"
    R"("source_url":{"type":["string","null"],"maxLength":2048},"tenant_id":{"type":["string","null"],"maxLength":50}}})";
constexpr char kClaim[] =
    R"({"type":"object","required":["id","text","source_url","submitted_at","verdict"],"properties":{)"
    R"("id":{"type":"string"},"text":{"type":"string"},"source_url":{"type":["string","null"]},)"
    R"("submitted_at":{"type":"string"},"verdict":{"enum":["SUPPORTED","REFUTED","INSUFFICIENT",null]}}})";
constexpr char kClaimList[] =
    R"({"type":"object","required":["items","total","skip","limit"],"properties":{"items":{"type":"array",)"
    R"("items":{"$ref":"#/components/schemas/Claim"}},"total":{"type":"integer"},"skip":{"type":"integer"},)"
    R"("limit":{"type":"integer"}}})";
constexpr char kVerifyLaterRequest[] =
    R"({"type":"object","required":["claim_text"],"properties":{)"
    R"("claim_id":{"type":["string","null"],"maxLength":200,"description":"As in the path"},)"
    R"("claim_text":{"type":"string","minLength":1,"maxLength":5000,"pattern":"\\S"},)"
    R"("corpus_ids":{"type":["array","null"],"maxItems":0},"tenant_id":{"type":["string","null"],"maxLength":50},)"
    R"("options":{"type":["object","null"],"properties":{)"
    R"("max_evidence_items":{"type":["integer","null"],"minimum":1,"maximum":50,"default":10},)"
    R"("confidence_threshold":{"type":["number","null"],"minimum":0,"maximum":1,"default":0.5},)"
    R"("return_reasoning":{"type":["boolean","null"],"default":true},)"
    R"("search_mode":{"enum":["hybrid","vector","keyword",null],"default":"hybrid"}}}}})";
constexpr char kTaskStatus[] =
    R"({"type":"object","required":["task_id","status","created_at","completed_at","result","error",)"
    R"("progress_percentage"],"properties":{"task_id":{"type":"string"},"claim_id":{"type":"string"},)"
    R"("status":{"enum":["pending","processing","completed","failed"]},"created_at":{"type":"string"},)"
    R"("completed_at":{"type":["string","null"]},"result":{"type":["object","null"]},)"
    R"("error":{"type":["string","null"]},"progress_percentage":{"type":"integer"}}})";
constexpr char kTaskResult[] =
    R"({"type":"object","required":["claim_id","claim_text","verdict","confidence","reasoning","has_conflict",)"
    R"("evidence","verification_id","verified_at"],"properties":{"claim_id":{"type":"string"},)"
    R"("claim_text":{"type":"string"},"verdict":{"enum":["SUPPORTED","REFUTED","NOT_ENOUGH_INFO"]},)"
    R"("confidence":{"type":"number"},"reasoning":{"type":["string","null"]},"has_conflict":{"type":"boolean"},)"
    R"("evidence":{"type":"array","items":{"type":"object"}},"verification_id":{"type":"string"},)"
    R"("verified_at":{"type":"string"}}})";
constexpr char kTaskOutcome[] = R"({"description":"The result, or the task that failed",)"
                                R"("anyOf":[{"$ref":"#/components/schemas/TaskResult"},)"
                                R"({"$ref":"#/components/schemas/TaskStatus"}]})";
constexpr char kEvidenceRequest[] =
    R"({"type":"object","properties":{"evidence":{"type":["array","null"],"minItems":1,"maxItems":1000,)"
    R"("items":{"$ref":"#/components/schemas/EvidenceItem"}},)"
    R"("content":{"type":"string","minLength":1,"maxLength":65536,"pattern":"\\S"},)"
    R"("tenant_id":{"type":["string","null"],"maxLength":50}},)"
    R"("anyOf":[{"required":["evidence"],"properties":{"evidence":{"type":"array"},"content":false}},)"
    R"({"required":["content"],"properties":{"evidence":{"type":"null"}}}]})";
constexpr char kEvidenceItem[] =
    R"({"type":"object","required":["content"],"properties":{"id":{"type":["string","null"],"maxLength":200},)"
    R"("content":{"type":"string","minLength":1,"maxLength":65536,"pattern":"\\S"},)"
    R"("source_url":{"type":["string","null"],"maxLength":2048},"source_type":{"type":["string","null"],)"
    R"("maxLength":200}}})";
constexpr char kEvidenceResponse[] =
    R"({"type":"object","required":["ids","count","truncated"],"properties":{"ids":{"type":"array",)"
    R"("items":{"type":"string"}},"count":{"type":"integer"},"truncated":{"type":"integer"}}})";
constexpr char kServicesHealth[] =
    R"({"type":"object","required":["status","timestamp","services","version"],"properties":{)"
    R"("status":{"enum":["healthy","degraded","unhealthy"]},"timestamp":{"type":"string"},)"
    R"("services":{"type":"object"},"version":{"type":"string"}}})";

}  // namespace

std::vector<Schema> claims_schemas(const ApiFacts&) {
  const std::string object = R"({"type":"object"})";
  return {{"ClaimsEmbedRequest", kEmbedRequest},
          {"ClaimsEmbedResponse", kEmbedResponse},
          {"SearchRequest", kSearchRequest},
          {"SearchResponse", kSearchResponse},
          {"NliRequest", kNliRequest},
          {"NliResponse", kNliResponse},
          {"NliBatchRequest", kNliBatchRequest},
          {"NliBatchResponse", kNliBatchResponse},
          {"VerifyRequest", kVerifyRequest},
          {"VerifyResponse", kVerifyResponse},
          {"Verdict", kVerdict},
          {"ClaimRequest", kClaimRequest},
          {"Claim", kClaim},
          {"ClaimList", kClaimList},
          {"VerifyLaterRequest", kVerifyLaterRequest},
          {"TaskStatus", kTaskStatus},
          {"TaskResult", kTaskResult},
          {"TaskOutcome", kTaskOutcome},
          {"EvidenceRequest", kEvidenceRequest},
          {"EvidenceItem", kEvidenceItem},
          {"EvidenceResponse", kEvidenceResponse},
          {"ServicesHealth", kServicesHealth},
          {"MetricsList", object},
          {"MetricsOverview", object},
          {"MetricsTimeseries", object},
          {"RateLimitStats", object}};
}

}  // namespace vivace
