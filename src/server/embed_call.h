// The shape of every route that embeds: a parsed task, the engine's answer awaited without blocking, a written
// response.
#pragma once

#include <utility>

#include <string>

#include <boost/asio/awaitable.hpp>

#include "server/embeddings_json.h"
#include "server/route.h"

namespace vivace {

// Writes the family's response body.
using EmbedWriter = std::string (*)(const EmbedTask& task, const EmbedResponse& response);

// The engine that a request names; kNotFound is reported as OpenAI does (code "model_not_found").
ApiResult<std::shared_ptr<Engine>> find_engine(const ServerContext& server, std::string* model);

// Runs the task on its model. Takes the deadline and the cancellation from the context.
boost::asio::awaitable<Reply> answer_embed(RequestContext& context, ApiResult<EmbedTask> task, EmbedWriter write);

}  // namespace vivace
