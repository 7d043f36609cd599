// What the routes of claim verification share beside the server's own.
#pragma once

#include "apps/claims/claims_service.h"
#include "server/rate_limiter.h"
#include "server/worker_pool.h"

namespace vivace {

struct ClaimsContext {
  ClaimsService service;
  RateLimiter limiter;
  WorkerPool workers;
};

}  // namespace vivace
