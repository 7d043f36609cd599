// Completions awaited by a route without blocking a thread.
#pragma once

#include <utility>

#include <chrono>
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

// The error of a completion in the terms of routes: blamed on `model` where that is what is wrong.
ApiError completion_error(const Status& problem);

// The service, or 503 where none is there.
ApiResult<CompletionService*> find_completion_service(const ServerContext& server);

// "tokenize;dur=…, queue;dur=…, …"
std::string completion_timing(const GenerateResponse& response);

}  // namespace vivace
