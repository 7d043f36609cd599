// What stands in the tasks of the store: the request of a background verification and its result.
#pragma once

#include <string>

#include "apps/claims/claim_verifier.h"

namespace vivace {

std::string write_task_request(const VerifyRequest& request);
// kCorruptFile for what write_task_request() did not write.
Result<VerifyRequest> read_task_request(const TaskRecord& task);

// The verdict as the asynchronous routes give it, where INSUFFICIENT is called NOT_ENOUGH_INFO.
std::string write_task_result(const VerifyRequest& request, const VerifyAnswer& answer, const std::string& verified_at);

}  // namespace vivace
