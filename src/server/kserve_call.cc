#include "server/kserve_call.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/utf8.h"
#include "server/engine_call.h"
#include "server/kserve_parameters.h"
#include "server/kserve_signature.h"
#include "server/kserve_tasks.h"
#include "server/model_wait.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

// A loaded model of either kind, with the name that it was found by.
struct FoundModel {
  ServedModel model;
  std::string name;
};

ApiResult<void> check_version(std::string_view model, std::string_view version) {
  if (version.empty() || version == kKserveVersion) return {};
  return std::unexpected(
      ApiError(StatusCode::kNotFound, fmt::format("model '{}' has no version '{}'; it has one, {}", printable(model),
                                                  printable(version), kKserveVersion)));
}

// What a request without a name means: the default encoder, else the default generator.
std::string default_model(const ModelRegistry& models) {
  const std::string encoder = models.default_name();
  return encoder.empty() ? models.default_name(ModelKind::kGenerator) : encoder;
}

asio::awaitable<ApiResult<ServedModel>> await_generator(RequestContext& context, std::string name) {
  ModelRegistry& models = context.server.models;
  auto generator = models.find_generator(name);
  if (!generator && generator.error().code == StatusCode::kUnavailable) {
    co_await await_loading(models, name, ModelKind::kGenerator, context.deadline, context.cancel);
    generator = models.find_generator(name);
  }
  if (!generator) co_return std::unexpected(ApiError(std::move(generator).error()));
  ServedModel served;
  served.generator = std::move(*generator);
  co_return served;
}

asio::awaitable<ApiResult<FoundModel>> find_model(RequestContext& context, std::string name, std::string version) {
  if (auto checked = check_version(name, version); !checked) co_return std::unexpected(std::move(checked).error());
  if (name.empty()) name = default_model(context.server.models);
  const auto known = context.server.models.snapshot(name);
  FoundModel found;
  if (known && known->kind == ModelKind::kGenerator) {
    auto served = co_await await_generator(context, name);
    if (!served) co_return std::unexpected(std::move(served).error());
    found.model = std::move(*served);
  } else {
    auto engine = co_await await_engine(context, &name);
    if (!engine) co_return std::unexpected(std::move(engine).error());
    found.model.engine = std::move(*engine);
  }
  found.name = std::move(name);
  co_return found;
}

ApiResult<void> shorten_deadline(const KserveParameters& parameters, RequestContext* context) {
  ASSIGN_OR_RETURN(const auto timeout,
                   integer_parameter(parameters, "timeout", 0, std::numeric_limits<int64_t>::max() / 1000));
  if (!timeout || *timeout == 0) return {};  // 0 means none
  const auto longest = context->deadline - std::chrono::steady_clock::now();
  if (std::chrono::microseconds(*timeout) < longest) {
    context->deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(*timeout);
  }
  return {};
}

void count_truncated(KserveResponse* response) {
  for (const KserveOutput& output : response->outputs) {
    if (output.name != "truncated") continue;
    const auto count = std::ranges::count(std::get<KserveOutput::Flags>(output.values), 1);
    if (count > 0) response->parameters.emplace(kTruncatedTexts, static_cast<int64_t>(count));
  }
}

// Of the outputs those that were asked for, in the order of the request, which names each once.
void choose_outputs(const std::vector<KserveWantedOutput>& wanted, KserveResponse* response) {
  if (wanted.empty()) return;
  std::vector<KserveOutput> chosen;
  for (const KserveWantedOutput& output : wanted) {
    const auto found = std::ranges::find(response->outputs, output.name, &KserveOutput::name);
    if (found != response->outputs.end()) chosen.push_back(std::move(*found));
  }
  response->outputs = std::move(chosen);
}

}  // namespace

asio::awaitable<ApiResult<KserveModelMetadata>> describe_kserve_model(RequestContext& context, std::string model,
                                                                      std::string version) {
  const auto found = co_await find_model(context, std::move(model), std::move(version));
  if (!found) co_return std::unexpected(found.error());
  co_return kserve_metadata(found->name, found->model);
}

ApiResult<bool> is_kserve_model_ready(const ServerContext& server, std::string_view model, std::string_view version) {
  RETURN_IF_ERROR(check_version(model, version));
  const auto known = server.models.snapshot(model.empty() ? default_model(server.models) : std::string(model));
  if (!known) {
    return std::unexpected(
        ApiError(StatusCode::kNotFound, fmt::format("no model is named '{}' here", printable(model))));
  }
  return known->state == ModelState::kReady || (known->state == ModelState::kUnloaded && known->loads_itself);
}

asio::awaitable<ApiResult<KserveAnswer>> answer_kserve(RequestContext& context, KserveRequest request) {
  if (auto shortened = shorten_deadline(request.parameters, &context); !shortened) {
    co_return std::unexpected(std::move(shortened).error());
  }
  const auto found = co_await find_model(context, request.model, request.version);
  if (!found) co_return std::unexpected(found.error());
  const KserveModelMetadata metadata = kserve_metadata(found->name, found->model);
  if (auto checked = check_kserve_request(request, metadata, text_limits(context.server.config)); !checked) {
    co_return std::unexpected(std::move(checked).error());
  }
  auto answer = co_await ask_kserve_model(context, found->model, &request);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  KserveResponse& response = answer->response;
  response.model = found->name;
  response.id = std::move(request.id);
  count_truncated(&response);
  choose_outputs(request.outputs, &response);
  co_return answer;
}

}  // namespace vivace
