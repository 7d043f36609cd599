#include "server/model_json.h"

namespace vivace {
namespace {

void write_facts(const ModelInfo& info, JsonWriter* json) {
  json->key("architecture").value(info.architecture);
  if (const int dimensions = dimensions_of(info); dimensions > 0) json->key("dimensions").value(dimensions);
  json->key("max_tokens").value(info.max_tokens);
  json->key("pooling").value(info.pooling);
  json->key("normalize").value(info.normalize);
  json->key("precision").value(info.precision);
  json->key("isa").value(info.isa);
  if (!info.fallback.empty()) json->key("fallback").value(info.fallback);
  json->key("threads").value(info.threads);
  json->key("parameters").value(static_cast<uint64_t>(info.parameters));
  json->key("prompt_names").begin_array();
  for (const std::string& name : info.prompt_names) json->value(name);
  json->end_array();
}

void write_statistics(const ModelSnapshot& model, JsonWriter* json) {
  json->key("loaded").value(model.model.is_loaded()).key("device").value("cpu");
  json->key("load_ms").value(model.load_ms).key("warm_up_ms").value(model.warm_up_ms);
  json->key("bytes").begin_object().key("weights").value(uint64_t{model.memory.weights});
  json->key("activations").value(uint64_t{model.memory.activations}).end_object();
  json->key("uses").value(model.uses).key("misses").value(model.misses);
  json->key("loads").value(model.loads).key("evictions").value(model.evictions);
  json->key("breaker").begin_object().key("state").value(breaker_state_name(model.breaker.state));
  json->key("opened").value(model.breaker.opened).key("refused").value(model.breaker.refused);
  json->key("retry_after_seconds").value(model.breaker.retry_after_seconds).end_object();
}

constexpr char kModel[] =
    R"({"type":"object","required":["id","object","created","owned_by","state","kind","loaded"],"properties":{)"
    R"("id":{"type":"string"},"object":{"const":"model"},"created":{"type":"integer"},"owned_by":{"type":"string"},)"
    R"("state":{"enum":["loading","ready","failed","unloaded"]},"failure":{"type":"string"},)"
    R"("kind":{"enum":["encoder","generator"]},"architecture":{"type":"string"},)"
    R"("dimensions":{"type":"integer"},"max_tokens":{"type":"integer"},"pooling":{"type":"string"},)"
    R"("normalize":{"type":"boolean"},"precision":{"type":"string"},"isa":{"type":"string"},)"
    R"("fallback":{"type":"string","description":"Why an ONNX file computes in place of the weights"},)"
    R"("threads":{"type":"integer"},"parameters":{"type":"integer"},)"
    R"("prompt_names":{"type":"array","items":{"type":"string"}},)"
    R"("loaded":{"type":"boolean"},"device":{"type":"string"},"load_ms":{"type":"number"},)"
    R"("warm_up_ms":{"type":"number"},"bytes":{"type":"object"},"uses":{"type":"integer"},)"
    R"("misses":{"type":"integer"},"loads":{"type":"integer"},"evictions":{"type":"integer"},)"
    R"("breaker":{"type":"object"}}})";

}  // namespace

void write_model(const ModelSnapshot& model, JsonWriter* json) {
  json->begin_object();
  json->key("id").value(model.spec.name);
  json->key("object").value("model");
  json->key("created").value(0);  // OpenAI's clients want a number; a directory has no date of making
  json->key("owned_by").value("vivace");
  json->key("state").value(model_state_name(model.state));
  if (!model.failure.message.empty()) json->key("failure").value(model.failure.message);
  json->key("kind").value(model_kind_name(model.kind));
  if (model.model.is_loaded()) write_facts(model.model.info(), json);
  write_statistics(model, json);
  json->end_object();
}

int dimensions_of(const ModelInfo& info) {
  return info.labels.empty() ? info.embedding_size : 0;  // what scores labels gives no vectors
}

std::string_view model_schema() {
  return kModel;
}

}  // namespace vivace
