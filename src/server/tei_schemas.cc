#include "server/tei_schemas.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace vivace {
namespace {

constexpr char kCommon[] =
    R"("model":{"type":["string","null"],"description":"A name that GET /v1/models lists; without it the first that suits"},)"
    R"("truncate":{"type":["boolean","null"],"default":true,"description":"false: a text that is too long is an error"},)"
    R"("truncation_direction":{"enum":["left","Left","right","Right",null],)"
    R"("description":"The end of a text that is cut; without it the one that the model's tokenizer names"})";

std::string texts(size_t most) {
  return fmt::format(R"({{"oneOf":[{{"type":"string","minLength":1}},{{"type":"array","minItems":1,"maxItems":{},)"
                     R"("items":{{"type":"string","minLength":1}}}}]}})",
                     most);
}

std::string object(std::string_view required, const std::string& properties) {
  return fmt::format(R"({{"type":"object","required":[{}],"properties":{{{}}}}})", required, properties);
}

std::string embed_request(const ApiFacts& facts, size_t most) {
  const std::string dimensions = facts.max_dimensions > 0 ? fmt::format(R"(,"maximum":{})", facts.max_dimensions) : "";
  return object(R"("inputs")", fmt::format(R"("inputs":{},"normalize":{{"type":["boolean","null"],"default":true}},)"
                                           R"("prompt_name":{{"type":["string","null"]}},)"
                                           R"("dimensions":{{"type":["integer","null"],"minimum":1{}}},{})",
                                           texts(most), dimensions, kCommon));
}

std::string predict_request(const ApiFacts& facts) {
  return object(R"("inputs")",
                fmt::format(R"("inputs":{{"oneOf":[{{"type":"string","minLength":1}},{{"type":"array","minItems":1,)"
                            R"("maxItems":2,"items":{{"type":"string","minLength":1}}}},{{"type":"array","minItems":1,)"
                            R"("maxItems":{},"items":{{"type":"array","minItems":1,"maxItems":2,)"
                            R"("items":{{"type":"string","minLength":1}}}}}}],)"
                            R"("description":"A text, one pair, or a list of lists of one text or two"}},)"
                            R"("raw_scores":{{"type":["boolean","null"],"default":false}},{})",
                            facts.max_texts, kCommon));
}

std::string rerank_request(const ApiFacts& facts) {
  return object(R"("query","texts")", fmt::format(R"("query":{{"type":"string","minLength":1}},"texts":{},)"
                                                  R"("raw_scores":{{"type":["boolean","null"],"default":false}},)"
                                                  R"("return_text":{{"type":["boolean","null"],"default":false}},{})",
                                                  texts(facts.max_texts), kCommon));
}

std::string similarity_request(const ApiFacts& facts) {
  return object(R"("inputs")",
                fmt::format(R"("inputs":{{"type":"object","required":["source_sentence","sentences"],"properties":{{)"
                            R"("source_sentence":{{"type":"string","minLength":1}},"sentences":{}}}}},)"
                            R"("parameters":{{"type":["object","null"]}},"model":{{"type":["string","null"]}})",
                            texts(facts.max_texts)));
}

constexpr char kDecodeRequest[] =
    R"({"type":"object","required":["ids"],"properties":{"ids":{"oneOf":[)"
    R"({"type":"array","minItems":1,"items":{"type":"integer","minimum":0}},{"type":"array","minItems":1,)"
    R"("items":{"type":"array","items":{"type":"integer","minimum":0}}}]},)"
    R"("skip_special_tokens":{"type":["boolean","null"],"default":true},"model":{"type":["string","null"]}}})";

constexpr char kPredictions[] =
    R"({"type":"array","description":"Of each label score and label, the best first; a list of these for a batch"})";
constexpr char kRanking[] =
    R"({"type":"array","items":{"type":"object","required":["index","score"],"properties":{"index":{"type":"integer"},)"
    R"("score":{"type":"number"},"text":{"type":"string"}}}})";
constexpr char kInfo[] =
    R"({"type":"object","required":["model_id","model_type","max_input_length","max_client_batch_size","version"],)"
    R"("properties":{"model_id":{"type":"string"},"model_type":{"type":"object"},"model_dtype":{"type":"string"},)"
    R"("max_input_length":{"type":"integer"},"max_client_batch_size":{"type":"integer"},"version":{"type":"string"}}})";
constexpr char kVector[] = R"({"type":"array","items":{"type":"number"}})";
constexpr char kVectors[] = R"({"type":"array","items":{"type":"array","items":{"type":"number"}}})";
constexpr char kTokenVectors[] =
    R"({"type":"array","items":{"type":"array","items":{"type":"array","items":{"type":"number"}}}})";

}  // namespace

std::vector<Schema> tei_schemas(const ApiFacts& facts) {
  return {{"TeiEmbedRequest", embed_request(facts, facts.max_texts)},
          {"TeiEmbedAllRequest", embed_request(facts, std::min<size_t>(facts.max_texts, 32))},
          {"TeiVectors", kVectors},
          {"TeiVector", kVector},
          {"TeiTokenVectors", kTokenVectors},
          {"TeiPredictRequest", predict_request(facts)},
          {"TeiPredictions", kPredictions},
          {"TeiRerankRequest", rerank_request(facts)},
          {"TeiRanking", kRanking},
          {"TeiSimilarityRequest", similarity_request(facts)},
          {"TeiDecodeRequest", kDecodeRequest},
          {"TeiTexts", R"({"type":"array","items":{"type":"string"}})"},
          {"TeiDefaultRequest", R"({"type":"object"})"},
          {"TeiDefaultResponse", R"({"type":"array"})"},
          {"TeiInfo", kInfo}};
}

}  // namespace vivace
