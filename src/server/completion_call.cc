#include "server/completion_call.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "server/await_callback.h"
#include "server/model_wait.h"

namespace vivace {
namespace {

// done is called with all answers, in order, by the thread that had the last one.
void start_all(CompletionService& service, std::vector<CompletionRequest> requests,
               std::function<void(Completions)> done) {
  struct State {
    std::function<void(Completions)> done;
    std::atomic<size_t> open;
    std::vector<std::optional<Result<Completion>>> answers;
  };
  const size_t count = requests.size();
  const auto state =
      std::make_shared<State>(std::move(done), count, std::vector<std::optional<Result<Completion>>>(count));
  for (size_t i = 0; i < count; ++i) {
    service.complete(std::move(requests[i]), [state, i](Result<Completion> completion) {
      state->answers[i] = std::move(completion);
      if (--state->open > 0) return;
      Completions all;
      for (auto& answer : state->answers) all.push_back(std::move(*answer));
      state->done(std::move(all));
    });
  }
}

}  // namespace

boost::asio::awaitable<Completions> complete_all(CompletionService& service, std::vector<CompletionRequest> requests) {
  using Done = std::function<void(Completions)>;
  co_return co_await await_callback<Completions>(
      [&](Done done) { start_all(service, std::move(requests), std::move(done)); });
}

boost::asio::awaitable<void> await_completion_models(ModelRegistry& models, const CompletionService& service,
                                                     std::vector<CompletionRequest> requests,
                                                     std::chrono::steady_clock::time_point deadline) {
  for (const CompletionRequest& request : requests) {
    const auto model = service.chosen_model(request);
    if (!model || models.is_loaded(*model)) continue;
    const auto found = models.find_generator(*model);  // begins to load it
    if (found || found.error().code != StatusCode::kUnavailable) continue;
    co_await await_loading(models, *model, ModelKind::kGenerator, deadline);
  }
}

bool are_generators_loaded(const ModelRegistry& models) {
  return std::ranges::all_of(models.snapshot(), [](const ModelSnapshot& model) {
    return model.kind != ModelKind::kGenerator || model.model.is_loaded();
  });
}

ApiError completion_error(const Status& problem, std::span<const BlamedField> fields) {
  ApiError error(problem);
  if (problem.code == StatusCode::kNotFound) error.code = "model_not_found";
  const auto blamed = std::ranges::find_if(
      fields, [&](const BlamedField& field) { return problem.message.starts_with(field.beginning); });
  if (blamed == fields.end()) return error;
  error.param = blamed->field;
  const bool is_name = blamed->beginning.find(' ') == std::string_view::npos;
  if (is_name) error.status.message.replace(0, blamed->beginning.size(), blamed->field);
  return error;
}

ApiResult<CompletionService*> find_completion_service(const ServerContext& server) {
  if (server.completion != nullptr) return server.completion;
  return error(StatusCode::kUnavailable,
               "no model named 'completion' is served here; start with --model completion=DIR",
               kRetryAfterAPersonSeconds);
}

std::string completion_timing(const GenerateResponse& response) {
  return fmt::format(
      "tokenize;dur={:.3f}, queue;dur={:.3f}, encode;dur={:.3f}, decode;dur={:.3f}, detokenize;dur={:.3f}",
      response.tokenize_ms, response.queue_ms, response.encode_ms, response.decode_ms, response.detokenize_ms);
}

}  // namespace vivace
