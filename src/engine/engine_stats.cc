#include "engine/engine_stats.h"

namespace vivace {

void EngineStats::reset() {
  for (Counter* counter :
       {&requests_accepted, &requests_succeeded, &requests_overloaded, &requests_rejected, &requests_expired,
        &requests_cancelled, &requests_failed, &texts, &tokens, &truncated_texts, &batches}) {
    counter->reset();
  }
  for (Histogram* histogram : {&request_seconds, &queue_seconds, &tokenize_seconds, &batch_seconds, &batch_tokens}) {
    histogram->reset();
  }
}

}  // namespace vivace
