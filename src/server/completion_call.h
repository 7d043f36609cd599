// Completions awaited by a route without blocking a thread.
#pragma once

#include <utility>

#include <chrono>
#include <span>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "apps/completion/completion_service.h"
#include "server/route.h"

namespace vivace {

using Completions = std::vector<Result<Completion>>;  // in the order of the requests

// Asks for all at once and waits for all.
boost::asio::awaitable<Completions> complete_all(CompletionService& service, std::vector<CompletionRequest> requests);

// Lets the models that the requests ask for be loaded first, where they are not there. At most until the deadline.
boost::asio::awaitable<void> await_completion_models(ModelRegistry& models, const CompletionService& service,
                                                     std::vector<CompletionRequest> requests,
                                                     std::chrono::steady_clock::time_point deadline);
// Whether that could be needed.
bool are_generators_loaded(const ModelRegistry& models);

// What the message of a refused completion begins with, and the field that the route's clients know it by.
struct BlamedField {
  std::string_view beginning;
  std::string_view field;
};
// The error of a completion in the terms of a route, blamed on the first field that fits. Where the message begins with
// the model's name of an option, it gets the client's.
ApiError completion_error(const Status& problem, std::span<const BlamedField> fields);

// The service, or 503 where none is there.
ApiResult<CompletionService*> find_completion_service(const ServerContext& server);

// "tokenize;dur=…, queue;dur=…, …"
std::string completion_timing(const GenerateResponse& response);

}  // namespace vivace
