#include "server/routes_tei.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "server/engine_call.h"
#include "server/tei_json.h"
#include "server/tei_schemas.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

// A text's tokens have a vector each: answers of many texts would be too long.
constexpr size_t kMaxTokenTexts = 32;

// Vectors of the task's texts, written by `write`.
template <typename Write>
asio::awaitable<Reply> answer_vectors(RequestContext& context, ApiResult<TeiEmbedTask> task, Write write) {
  return answer_task(context, std::move(task), gives_vectors, &EmbedResponse::embeddings,
                     [write](const TeiEmbedTask&, const ChosenEngine& chosen, const EmbedResponse& answer) {
                       return write(answer, chosen.engine->info());
                     });
}

asio::awaitable<Reply> embed(RequestContext& context) {
  return answer_vectors(context, parse_tei_embed_request(context.request.body, text_limits(context.server.config)),
                        [](const EmbedResponse& answer, const ModelInfo&) { return write_tei_embeddings(answer); });
}

asio::awaitable<Reply> embed_all(RequestContext& context) {
  TextLimits limits = text_limits(context.server.config);
  limits.max_texts = std::min(limits.max_texts, kMaxTokenTexts);
  auto task = parse_tei_embed_request(context.request.body, limits);
  if (task) {
    task->request.pooling = PoolingMode::kNone;
    task->request.normalize = false;
  }
  return answer_vectors(context, std::move(task), [](const EmbedResponse& answer, const ModelInfo& info) {
    return write_tei_token_embeddings(answer, static_cast<size_t>(info.hidden_size));
  });
}

asio::awaitable<Reply> similarity(RequestContext& context) {
  return answer_vectors(context, parse_tei_similarity_request(context.request.body, text_limits(context.server.config)),
                        [](const EmbedResponse& answer, const ModelInfo&) { return write_tei_similarities(answer); });
}

asio::awaitable<Reply> answer_labels(RequestContext& context, ApiResult<TeiPredictTask> task) {
  return answer_task(context, std::move(task), gives_labels, &ClassifyResponse::results,
                     [](const TeiPredictTask& asked, const ChosenEngine&, const ClassifyResponse& answer) {
                       return write_tei_predictions(asked, answer);
                     });
}

asio::awaitable<Reply> predict(RequestContext& context) {
  return answer_labels(context, parse_tei_predict_request(context.request.body, text_limits(context.server.config)));
}

// As pipelines answer, which is what Hugging Face's client expects here: a list of labels for each text, also for one.
asio::awaitable<Reply> predict_as_pipeline(RequestContext& context) {
  auto task = parse_tei_predict_request(context.request.body, text_limits(context.server.config));
  if (task) task->is_batch = true;
  return answer_labels(context, std::move(task));
}

asio::awaitable<Reply> rerank(RequestContext& context) {
  return answer_task(context, parse_tei_rerank_request(context.request.body, text_limits(context.server.config)),
                     ranks_documents, &RankResponse::ranking,
                     [](const TeiRerankTask& task, const ChosenEngine&, const RankResponse& answer) {
                       return write_tei_ranking(task, answer);
                     });
}

// What the default model is for decides, as in a server of one model.
asio::awaitable<Reply> by_default_task(RequestContext& context) {
  std::string model;
  const auto engine = co_await await_engine(context, &model);
  if (!engine) co_return std::unexpected(engine.error());
  const ModelInfo& info = (*engine)->info();
  if (ranks_documents(info)) co_return co_await rerank(context);
  if (gives_labels(info)) co_return co_await predict_as_pipeline(context);
  co_return co_await embed(context);
}

asio::awaitable<Reply> decode(RequestContext& context) {
  auto task =
      parse_tei_decode_request(context.request.body, static_cast<size_t>(context.server.config.max_texts_per_request));
  if (!task) co_return std::unexpected(std::move(task).error());
  const auto engine = co_await await_engine(context, &task->model);
  if (!engine) co_return std::unexpected(engine.error());
  const SkipSpecialTokens skip = task->skip_special_tokens ? SkipSpecialTokens::kYes : SkipSpecialTokens::kNo;
  JsonWriter json;
  json.begin_array();
  for (const std::vector<int32_t>& ids : task->sequences) {
    const auto text = (*engine)->tokenizer().decode(ids, skip);
    if (!text) co_return field_error(text.error(), "ids");
    json.value(*text);
  }
  HttpResponse response;
  response.body = json.end_array().take();
  co_return response;
}

void write_labels_by_id(const ModelInfo& info, JsonWriter* json) {
  json->key("id2label").begin_object();
  for (size_t i = 0; i < info.labels.size(); ++i) json->key(std::to_string(i)).value(info.labels[i]);
  json->end_object().key("label2id").begin_object();
  for (size_t i = 0; i < info.labels.size(); ++i) json->key(info.labels[i]).value(static_cast<uint64_t>(i));
  json->end_object();
}

void write_model_type(const ModelInfo& info, JsonWriter* json) {
  json->key("model_type").begin_object();
  if (info.task == ModelTask::kEmbedding) {
    json->key("embedding").begin_object().key("pooling").value(info.pooling).end_object();
  } else {
    json->key(ranks_documents(info) ? "reranker" : "classifier").begin_object();
    write_labels_by_id(info, json);
    json->end_object();
  }
  json->end_object();
}

asio::awaitable<Reply> show_info(RequestContext& context) {
  std::string model;
  const auto engine = co_await await_engine(context, &model);
  if (!engine) co_return std::unexpected(engine.error());
  const ServerConfig& config = context.server.config;
  const ModelInfo& info = (*engine)->info();
  JsonWriter json;
  json.begin_object().key("model_id").value(model).key("model_sha").null().key("model_dtype").value(info.precision);
  write_model_type(info, &json);
  json.key("max_concurrent_requests").value(static_cast<int64_t>(config.max_queued_texts));
  json.key("max_input_length").value(info.max_tokens);
  json.key("max_batch_tokens").value(static_cast<int64_t>(context.server.models.engine_options().max_batch_tokens));
  json.key("max_batch_requests").null();
  json.key("max_client_batch_size").value(static_cast<int64_t>(config.max_texts_per_request));
  json.key("auto_truncate").value(true).key("tokenization_workers").value(info.threads);
  json.key("version").value(VIVACE_VERSION).key("sha").null().key("docker_label").null();
  HttpResponse response;
  response.body = json.end_object().take();
  co_return response;
}

Route post(std::string_view path, WaitingHandler handler, OperationDoc doc) {
  doc.errors = {400, 404, 408, 411, 413, 415, 422, 424, 429, 500, 503, 504};
  return {.method = Method::kPost,
          .path = path,
          .family = ApiFamily::kTei,
          .access = Access::kKey,
          .handler = handler,
          .doc = std::move(doc)};
}

}  // namespace

RouteGroup tei_routes() {
  return {{post("/embed", embed,
                {.id = "teiEmbed",
                 .summary = "Vectors of texts",
                 .request_schema = "TeiEmbedRequest",
                 .response_schema = "TeiVectors"}),
           post("/embed_all", embed_all,
                {.id = "teiEmbedAll",
                 .summary = "A vector of each token of texts",
                 .request_schema = "TeiEmbedAllRequest",
                 .response_schema = "TeiTokenVectors"}),
           post("/predict", predict,
                {.id = "teiPredict",
                 .summary = "Label scores of texts or pairs",
                 .request_schema = "TeiPredictRequest",
                 .response_schema = "TeiPredictions"}),
           post("/rerank", rerank,
                {.id = "teiRerank",
                 .summary = "Texts by how well they answer a query",
                 .request_schema = "TeiRerankRequest",
                 .response_schema = "TeiRanking"}),
           post("/similarity", similarity,
                {.id = "teiSimilarity",
                 .summary = "Cosines of a sentence to others",
                 .request_schema = "TeiSimilarityRequest",
                 .response_schema = "TeiVector"}),
           post("/decode", decode,
                {.id = "teiDecode",
                 .summary = "The text that tokens stand for",
                 .request_schema = "TeiDecodeRequest",
                 .response_schema = "TeiTexts"}),
           post("/", by_default_task,
                {.id = "teiDefault",
                 .summary = "What the default model is for: /embed, /predict or /rerank",
                 .request_schema = "TeiDefaultRequest",
                 .response_schema = "TeiDefaultResponse"}),
           {.method = Method::kGet,
            .path = "/info",
            .family = ApiFamily::kTei,
            .access = Access::kKey,
            .handler = show_info,
            .doc = {.id = "teiInfo",
                    .summary = "Facts about the default model",
                    .response_schema = "TeiInfo",
                    .errors = {404, 500, 503, 504}}}},
          tei_schemas};
}

}  // namespace vivace
