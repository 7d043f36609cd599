// Bodies of the detection routes, read and checked.
#pragma once

#include <string>
#include <string_view>

#include "apps/detection/detection_jobs.h"
#include "server/detection_service.h"
#include "server/error_table.h"

namespace vivace {

// {"sentences":[…],"details":false,"compat_offsets":false}; errors name the field, and the sentence as "sentences.3".
ApiResult<DetectionJobRequest> parse_predict_request(std::string_view body, const DetectionService& service);

// The same with "callback_url" and the limits of jobs.
ApiResult<DetectionJobRequest> parse_batch_request(std::string_view body, const DetectionService& service);

}  // namespace vivace
