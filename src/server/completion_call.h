// Completions awaited by a route without blocking a thread.
#pragma once

#include <utility>

#include <vector>

#include <boost/asio/awaitable.hpp>

#include "apps/completion/completion_service.h"
#include "server/route.h"

namespace vivace {

using Completions = std::vector<Result<Completion>>;  // in the order of the requests

// Asks for all at once and waits for all.
boost::asio::awaitable<Completions> complete_all(CompletionService& service, std::vector<CompletionRequest> requests);

// The error of a completion in the terms of routes: blamed on `model` where that is what is wrong.
ApiError completion_error(const Status& problem);

// The service, or 503 where none is there.
ApiResult<CompletionService*> find_completion_service(const ServerContext& server);

// "tokenize;dur=…, queue;dur=…, …"
std::string completion_timing(const GenerateResponse& response);

}  // namespace vivace
