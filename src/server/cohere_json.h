// Cohere's rerank and embed requests and responses as JSON. Fields that we do not know are ignored: clients send ever
// new ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/request.h"
#include "server/json_fields.h"

namespace vivace {

struct RerankTask {
  std::string model;  // empty: the one that ranks
  RankRequest request;
  std::vector<std::string> returned;  // the documents, where the answer has them
};
ApiResult<RerankTask> parse_rerank_request(std::string_view body, const TextLimits& limits);

inline constexpr char kCohereVersion1[] = "1";
inline constexpr char kCohereVersion2[] = "2";

// What identifies an answer: its request's id, and which version of the API it was asked through.
struct CohereMeta {
  std::string_view id;
  std::string_view api_version;
};
std::string write_rerank_response(const CohereMeta& meta, std::string_view model, const RerankTask& task,
                                  const RankResponse& response);

struct CohereEmbedTask {
  std::string model;
  EmbedRequest request;
  std::string input_type;  // "search_query", …
  bool floats = true;
  bool base64 = false;       // of little-endian float32 values
  bool binary = false;       // the values' signs, as signed bytes of eight
  bool ubinary = false;      // the same as unsigned bytes
  bool names_types = false;  // the request has embedding_types
};
ApiResult<CohereEmbedTask> parse_cohere_embed_request(std::string_view body, const TextLimits& limits);
// The one of a model's prompts that is meant for that type of input; empty: none.
std::string prompt_for(std::string_view input_type, const std::vector<std::string>& prompt_names);
// texts: those of the request. The first version answers a request that names no types with a plain list of vectors.
std::string write_cohere_embed_response(const CohereMeta& meta, const CohereEmbedTask& task,
                                        const std::vector<std::string>& texts, const EmbedResponse& response);

}  // namespace vivace
