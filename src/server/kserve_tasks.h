// What each kind of model makes of a request's tensors, and of its answer.
#pragma once

#include <utility>

#include <boost/asio/awaitable.hpp>

#include "runtime/served_model.h"
#include "server/kserve_message.h"
#include "server/route.h"

namespace vivace {

struct KserveAnswer {
  KserveResponse response;
  ResponseTimes times;
};

// All outputs of the model. The request has passed check_kserve_request(); its texts are taken out of it. Parameters:
//   all models   truncate (false: a text that is too long is an error)
//   vectors      dimensions, normalize, prompt_name
//   labels       activation ("softmax", "sigmoid", "none"), also of rankers
//   tags         aggregation ("simple", "first", "average", "max")
//   masks        top_k
//   generation   max_tokens, temperature, top_p, top_k, seed, stop
// Others are ignored.
boost::asio::awaitable<ApiResult<KserveAnswer>> ask_kserve_model(RequestContext& context, const ServedModel& model,
                                                                 KserveRequest* request);

}  // namespace vivace
