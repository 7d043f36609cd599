// A verdict as JSON, the same on the command line, over HTTP and in the results of tasks.
#pragma once

#include "apps/claims/claim_verifier.h"
#include "base/json_writer.h"

namespace vivace {

// {"verdict", "confidence", "evidence": […], "explanation", "claim_id", "verification_id", "processing_time_ms", …}
void write_verify_answer(const VerifyAnswer& answer, JsonWriter* json);

}  // namespace vivace
