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

// Runs the task on its model. Takes the deadline and the cancellation from the context.
boost::asio::awaitable<Reply> answer_embed(RequestContext& context, ApiResult<EmbedTask> task, EmbedWriter write);

}  // namespace vivace
