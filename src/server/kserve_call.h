// Requests of the open inference protocol on their way to a model and back, for REST and gRPC alike.
#pragma once

#include <utility>

#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "server/kserve_message.h"
#include "server/kserve_tasks.h"
#include "server/route.h"

namespace vivace {

// What a model takes and gives. Waits for a model that is loaded because it was asked for just now. kNotFound for an
// unknown model or version.
boost::asio::awaitable<ApiResult<KserveModelMetadata>> describe_kserve_model(RequestContext& context, std::string model,
                                                                             std::string version);

// Whether a model is there to be asked. Begins no load. kNotFound as above.
ApiResult<bool> is_kserve_model_ready(const ServerContext& server, std::string_view model, std::string_view version);

// The answer: those of the model's outputs that are asked for. The request's parameter timeout (microseconds) shortens
// its deadline, the others are in server/kserve_tasks.h. The answer's parameter truncated_texts counts the texts that
// were cut, where there are any.
boost::asio::awaitable<ApiResult<KserveAnswer>> answer_kserve(RequestContext& context, KserveRequest request);

}  // namespace vivace
