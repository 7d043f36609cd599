#include "server/impact_schemas.h"

namespace vivace {
namespace {

constexpr char kMessage[] =
    R"({"type":"object","properties":{)"
    R"("content":{"description":"The text, an object with a text, or anything else"},)"
    R"("payload":{"description":"Of an object, message is text too, and an amount above 1000 weighs"},)"
    R"("priority":{"description":"critical, high, normal or low, or 3 to 0; anything else counts as normal"},)"
    R"("message_type":{"description":"governance, constitutional or command weigh more"},)"
    R"("from_agent":{"description":"Whose history it belongs to"},)"
    R"("tools":{"type":["array","null"],"maxItems":1000,"items":{}},)"
    R"("constitutional_hash":{"description":"Must be the configured one where it is given"}}})";

constexpr char kContext[] =
    R"({"type":["object","null"],"description":"Where it and the message both speak, it wins","properties":{)"
    R"("agent_id":{},"priority":{},"message_type":{},"tools":{"type":["array","null"],"maxItems":1000,"items":{}},)"
    R"("semantic_override":{"type":["number","null"],"minimum":0,"maximum":1}}})";

// A message that stands for itself may have such members too, of any kind.
constexpr char kScoreRequest[] =
    R"({"type":"object","description":"A message, or one with its context",)"
    R"("anyOf":[{"properties":{"message":{"type":["object","null"]},"context":{"type":["object","null"]}}},)"
    R"({"required":["content"]},{"required":["payload"]}],"properties":{)"
    R"("message":{"anyOf":[{"$ref":"#/components/schemas/ImpactMessage"},{}]},)"
    R"("context":{"anyOf":[{"$ref":"#/components/schemas/ImpactContext"},{}]},)"
    R"("use_model":{"type":["boolean","null"],"default":true,"description":"false: keywords only"},)"
    R"("score_only":{"type":["boolean","null"],"default":false}}})";

constexpr char kBatchRequest[] =
    R"({"type":"object","required":["messages"],"properties":{)"
    R"("messages":{"type":"array","maxItems":1000,"items":{"type":"object"}},)"
    R"("contexts":{"type":["array","null"],"maxItems":1000,"items":{"$ref":"#/components/schemas/ImpactContext"},)"
    R"("description":"As many as messages"},)"
    R"("use_model":{"type":["boolean","null"],"default":true},"score_only":{"type":["boolean","null"],"default":false}}})";

constexpr char kAnalysis[] =
    R"({"type":"object","required":["impact_score"],"properties":{"impact_score":{"type":"number"},)"
    R"("score":{"type":"number","minimum":0,"maximum":1},"factors":{"type":"object"},)"
    R"("recommendation":{"type":"string"},"requires_deliberation":{"type":"boolean"},)"
    R"("matched_keywords":{"type":"array","items":{"type":"string"}},"backend":{"type":"string"},)"
    R"("degraded":{"type":"boolean","description":"The model did not answer"},"similarity":{"type":"number"},)"
    R"("passed_gate":{"type":"boolean"},"cached":{"type":"boolean"},"truncated":{"type":"boolean"},)"
    R"("explanations":{"type":"array","items":{"type":"object"}},"processing_time_ms":{"type":"number"}}})";

constexpr char kBatchResponse[] =
    R"({"type":"object","required":["scores","count","processing_time_ms"],"properties":{)"
    R"("scores":{"type":"array","items":{"type":"number"}},)"
    R"("results":{"type":"array","items":{"$ref":"#/components/schemas/ImpactAnalysis"}},)"
    R"("degraded":{"const":true,"description":"With scores only: the model did not answer for one of them"},)"
    R"("truncated":{"const":true,"description":"With scores only: it saw the beginning of one of the texts"},)"
    R"("count":{"type":"integer"},"processing_time_ms":{"type":"number"}}})";

constexpr char kValidateRequest[] =
    R"({"type":"object","required":["messages"],"properties":{"messages":{"type":"array","minItems":1,"maxItems":1000,)"
    R"("items":{"type":"object","properties":{)"
    R"("message":{"anyOf":[{"$ref":"#/components/schemas/ImpactMessage"},{}]},)"
    R"("context":{"anyOf":[{"$ref":"#/components/schemas/ImpactContext"},{}]},)"
    R"("risk":{"type":["boolean","null"]}}}}}})";

constexpr char kValidation[] =
    R"({"type":"object","required":["rows","agreement","only_model"],"properties":{"rows":{"type":"integer"},)"
    R"("agreement":{"type":["number","null"],"description":"Of rows with a keyword; null: there are none"},)"
    R"("only_model":{"type":"array","items":{"type":"object"}}}})";

constexpr char kStatus[] = R"({"type":"object","required":["backends","thresholds","agents"],"properties":{)"
                           R"("model":{"type":["string","null"]},"model_loaded":{"type":"boolean"},)"
                           R"("backends":{"type":"array","items":{"type":"object"}},"thresholds":{"type":"object"},)"
                           R"("agents":{"type":"object"},"routed":{"type":"object"}}})";

constexpr char kRouteRequest[] =
    R"({"type":"object",)"
    R"("anyOf":[{"properties":{"message":{"type":["object","null"]},"context":{"type":["object","null"]}}},)"
    R"({"required":["content"]},{"required":["payload"]}],"properties":{"message":{"anyOf":[{"$ref":"#/components/schemas/ImpactMessage"},{}]},)"
    R"("context":{"anyOf":[{"$ref":"#/components/schemas/ImpactContext"},{}]},)"
    R"("impact_score":{"type":["number","null"],"minimum":0,"maximum":1,"description":"Given instead of computed"},)"
    R"("force_deliberation":{"type":["boolean","null"]},"force_reason":{"type":["string","null"],"maxLength":1024},)"
    R"("use_model":{"type":["boolean","null"]}}})";

constexpr char kDecision[] =
    R"({"type":"object","required":["decision_id","lane","impact_score","requires_deliberation"],"properties":{)"
    R"("decision_id":{"type":"integer"},"lane":{"enum":["fast","deliberation"]},"impact_score":{"type":"number"},)"
    R"("decision_timestamp":{"type":"string"},"requires_deliberation":{"type":"boolean"},)"
    R"("intent_type":{"enum":["general","reasoning","factual","creative"]},"dynamic_threshold":{"type":"number"},)"
    R"("processing_time":{"type":"number"},"fast_path_enabled":{"type":"boolean"},)"
    R"("estimated_wait_time":{"type":"number"},"opa_enforced":{"type":"boolean"},)"
    R"("forced":{"type":"boolean"},"force_reason":{"type":"string"},)"
    R"("analysis":{"type":"object"}}})";

constexpr char kOutcome[] =
    R"({"type":"object","required":["decision_id"],"properties":{"decision_id":{"type":"integer","minimum":1},)"
    R"("outcome":{"enum":["success","failure","timeout",null]},)"
    R"("feedback":{"type":["number","null"],"minimum":0,"maximum":1,"description":"How needless it was"}}})";

constexpr char kThresholdRequest[] =
    R"({"type":"object","required":["impact_threshold"],"properties":{)"
    R"("impact_threshold":{"type":"number","description":"Cut to 0 to 1; the answer says what holds"}}})";

constexpr char kThreshold[] =
    R"({"type":"object","required":["impact_threshold"],"properties":{"impact_threshold":{"type":"number"}}})";

}  // namespace

std::vector<Schema> impact_schemas(const ApiFacts&) {
  return {{"ImpactMessage", kMessage},
          {"ImpactContext", kContext},
          {"ImpactScoreRequest", kScoreRequest},
          {"ImpactBatchRequest", kBatchRequest},
          {"ImpactAnalysis", kAnalysis},
          {"ImpactBatchResponse", kBatchResponse},
          {"ImpactValidateRequest", kValidateRequest},
          {"ImpactValidation", kValidation},
          {"ImpactStatus", kStatus},
          {"RouteRequest", kRouteRequest},
          {"RoutingDecision", kDecision},
          {"RouteOutcome", kOutcome},
          {"RouteThresholdRequest", kThresholdRequest},
          {"RouteThreshold", kThreshold}};
}

}  // namespace vivace
