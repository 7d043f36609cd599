// Requests of the open inference protocol on their way to a model and back, for REST and gRPC alike.
#pragma once

#include <utility>

#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "server/kserve_message.h"
#include "server/route.h"

namespace vivace {

// What a model takes and gives. Waits for a model that is loaded because it was asked for just now. kNotFound for an
// unknown model or version.
boost::asio::awaitable<ApiResult<KserveModelMetadata>> describe_kserve_model(RequestContext& context, std::string model,
                                                                             std::string version);

// Whether a model is there to be asked. Begins no load. kNotFound as above.
ApiResult<bool> is_kserve_model_ready(const ServerContext& server, std::string_view model, std::string_view version);

// The answer, with its times. Parameters of a request:
//   all models   truncate (false: a text that is too long is an error), timeout (microseconds, at most the request's)
//   vectors      dimensions, normalize, prompt_name
//   labels       activation ("softmax", "sigmoid", "none"), also of rankers
//   tags         aggregation ("simple", "first", "average", "max")
//   masks        top_k
//   generation   max_tokens, temperature, top_p, top_k, seed, stop
// Others are ignored. The answer's parameter truncated_texts counts the texts that were cut, where there are any.
struct KserveAnswer {
  KserveResponse response;
  ResponseTimes times;
};
boost::asio::awaitable<ApiResult<KserveAnswer>> answer_kserve(RequestContext& context, KserveRequest request);

}  // namespace vivace
