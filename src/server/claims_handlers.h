// The handlers of claim verification, one for each route of routes_claims.cc. Limits and answers: docs/claims.md.
#pragma once

#include "server/claims_call.h"

namespace vivace {

// claims_model_handlers.cc
ClaimsReply claims_embed(ClaimsCall& call);
ClaimsReply claims_search(ClaimsCall& call);
ClaimsReply claims_nli(ClaimsCall& call);
ClaimsReply claims_nli_batch(ClaimsCall& call);

// claims_evidence_handlers.cc
ClaimsReply claims_add_evidence(ClaimsCall& call);

// claims_verify_handlers.cc
ClaimsReply claims_verify(ClaimsCall& call);
ClaimsReply claims_verdict(ClaimsCall& call);

// claims_task_handlers.cc
ClaimsReply claims_create(ClaimsCall& call);
ClaimsReply claims_list(ClaimsCall& call);
ClaimsReply claims_get(ClaimsCall& call);
ClaimsReply claims_verify_later(ClaimsCall& call);
ClaimsReply claims_verdict_of_task(ClaimsCall& call);
ClaimsReply claims_task(ClaimsCall& call);

// claims_status_handlers.cc
ClaimsReply claims_health(ClaimsCall& call);
ClaimsReply claims_health_detailed(ClaimsCall& call);
ClaimsReply claims_metrics_list(ClaimsCall& call);
ClaimsReply claims_metrics_overview(ClaimsCall& call);
ClaimsReply claims_metrics_timeseries(ClaimsCall& call);

}  // namespace vivace
