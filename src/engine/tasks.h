// One function for each kind of request: checks and tokenizes it, and says what becomes of the model's rows. They are
// in <request>_task.cc.
//
// The work writes into *response, which must outlive it; what it needs of the request it keeps. Errors are the
// caller's: kInvalidArgument, kTooLarge, and kUnsupported when the model is for another task.
#pragma once

#include "base/status.h"
#include "engine/job.h"
#include "engine/loaded_model.h"
#include "engine/request.h"

namespace vivace {

Result<JobWork> prepare(const LoadedModel& model, const EmbedRequest& request, EmbedResponse* response);
Result<JobWork> prepare(const LoadedModel& model, const ClassifyRequest& request, ClassifyResponse* response);
Result<JobWork> prepare(const LoadedModel& model, const ZeroShotRequest& request, ClassifyResponse* response);
Result<JobWork> prepare(const LoadedModel& model, const TagRequest& request, TagResponse* response);
Result<JobWork> prepare(const LoadedModel& model, const ScoreTokensRequest& request, ScoreTokensResponse* response);
Result<JobWork> prepare(const LoadedModel& model, const RankRequest& request, RankResponse* response);
Result<JobWork> prepare(const LoadedModel& model, const EntailRequest& request, EntailResponse* response);
Result<JobWork> prepare(const LoadedModel& model, const FillMaskRequest& request, FillMaskResponse* response);

}  // namespace vivace
