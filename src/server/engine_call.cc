#include "server/engine_call.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "engine/entailment_labels.h"
#include "server/model_wait.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

constexpr size_t kMaxModelNameBytes = 256;  // longer ones are nobody's name and would only fill logs and messages

ApiError model_error(Status status) {
  ApiError error(std::move(status));
  error.param = "model";
  if (error.status.code == StatusCode::kNotFound) error.code = "model_not_found";
  return error;
}

std::string model_that_suits(const ServerContext& server, SuitsTask suits) {
  const std::string own = server.models.default_name();
  const auto models = server.models.snapshot();
  const auto fits = [&](const ModelSnapshot& model) {
    return model.kind == ModelKind::kEncoder && model.model.is_loaded() && suits(model.model.info());
  };
  const auto first = std::ranges::find(models, own, [](const ModelSnapshot& model) { return model.spec.name; });
  if (first == models.end() || !first->model.is_loaded() || fits(*first)) return own;
  const auto other = std::ranges::find_if(models, fits);
  return other == models.end() ? own : other->spec.name;
}

}  // namespace

ApiResult<std::shared_ptr<Engine>> find_engine(const ServerContext& server, std::string* model) {
  if (model->size() > kMaxModelNameBytes) {
    return std::unexpected(model_error(
        {StatusCode::kNotFound, fmt::format("no model has a name of more than {} bytes", kMaxModelNameBytes)}));
  }
  auto engine = server.models.find(*model);
  if (!engine) return std::unexpected(model_error(std::move(engine).error()));
  if (model->empty()) *model = server.models.default_name();
  return std::move(*engine);
}

asio::awaitable<ApiResult<std::shared_ptr<Engine>>> await_engine(RequestContext& context, std::string* model) {
  auto engine = find_engine(context.server, model);
  if (engine || engine.error().status.code != StatusCode::kUnavailable) co_return engine;
  co_await await_loading(context.server.models, *model, ModelKind::kEncoder, context.deadline, context.cancel);
  co_return find_engine(context.server, model);
}

bool gives_vectors(const ModelInfo& info) {
  return info.task == ModelTask::kEmbedding;
}

bool gives_labels(const ModelInfo& info) {
  return info.task == ModelTask::kSequenceClassification || info.task == ModelTask::kMaskedLanguageModel;
}

bool tags_words(const ModelInfo& info) {
  return info.task == ModelTask::kTokenClassification;
}

bool ranks_documents(const ModelInfo& info) {
  return info.task == ModelTask::kSequenceClassification && info.labels.size() == 1;
}

bool knows_entailment(const ModelInfo& info) {
  return info.task == ModelTask::kSequenceClassification && find_entailment_labels(info.labels).has_value();
}

asio::awaitable<ApiResult<ChosenEngine>> choose_engine(RequestContext& context, std::string model, SuitsTask suits) {
  if (model.empty()) model = model_that_suits(context.server, suits);
  auto engine = co_await await_engine(context, &model);
  if (!engine) co_return std::unexpected(std::move(engine).error());
  co_return ChosenEngine{std::move(*engine), std::move(model)};
}

std::string timing_text(const ResponseTimes& times) {
  return fmt::format("tokenize;dur={:.3f}, queue;dur={:.3f}, compute;dur={:.3f}", times.tokenize_ms, times.queue_ms,
                     times.compute_ms);
}

HttpResponse json_response(std::string body, const ResponseTimes& times) {
  HttpResponse response;
  response.body = std::move(body);
  response.server_timing = timing_text(times);
  return response;
}

void note_truncated(size_t texts, HttpResponse* response) {
  if (texts > 0) response->headers.emplace_back("x-truncated-texts", std::to_string(texts));
}

}  // namespace vivace
