// Requests and responses of text-embeddings-inference as JSON. Fields that we do not know are ignored; those that we
// know and cannot do are refused.
//
// Beyond that server's fields each request may have "model", since several models are served here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/request.h"
#include "server/json_fields.h"

namespace vivace {

// "inputs": a text or a list of texts. Nothing where a text should be has an error of its own (kEmptyInput).
ApiResult<std::vector<std::string>> read_tei_texts(const JsonValue& body, const TextLimits& limits);

struct TeiEmbedTask {
  std::string model;
  EmbedRequest request;
};
ApiResult<TeiEmbedTask> parse_tei_embed_request(std::string_view body, const TextLimits& limits);
// [[0.1,…],…]
std::string write_tei_embeddings(const EmbedResponse& response);
// The same for a model without pooling: one vector of `width` values for each token.
std::string write_tei_token_embeddings(const EmbedResponse& response, size_t width);

struct TeiPredictTask {
  std::string model;
  ClassifyRequest request;
  bool is_batch = false;  // the answer has one list more
};
// "inputs" is a text, ["first","second"], which is one pair, or a list of lists of one text or two.
ApiResult<TeiPredictTask> parse_tei_predict_request(std::string_view body, const TextLimits& limits);
std::string write_tei_predictions(const TeiPredictTask& task, const ClassifyResponse& response);

struct TeiRerankTask {
  std::string model;
  RankRequest request;
  std::vector<std::string> returned;  // the texts, where the answer has them
};
ApiResult<TeiRerankTask> parse_tei_rerank_request(std::string_view body, const TextLimits& limits);
std::string write_tei_ranking(const TeiRerankTask& task, const RankResponse& response);

// The source sentence, then those that it is compared with.
ApiResult<TeiEmbedTask> parse_tei_similarity_request(std::string_view body, const TextLimits& limits);
// Cosines of the first vector to the others.
std::string write_tei_similarities(const EmbedResponse& response);

struct TeiDecodeTask {
  std::string model;
  std::vector<std::vector<int32_t>> sequences;
  bool skip_special_tokens = true;
};
ApiResult<TeiDecodeTask> parse_tei_decode_request(std::string_view body, size_t max_sequences);

}  // namespace vivace
