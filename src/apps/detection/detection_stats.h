// What detection counts. Dumped by server/metrics; read by tests.
#pragma once

#include "telemetry/metrics.h"

namespace vivace {

struct DetectionStats {
  Counter requests;         // answered, those of jobs not among them
  Counter sentences;        // of requests and jobs
  Counter words;            //
  Counter truncated_words;  // that lay past the model's limit
  Counter cached;           // sentences answered from the cache
  Counter jobs_accepted;
  Counter jobs_complete;
  Counter jobs_failed;
  Counter jobs_cancelled;
  Counter jobs_expired;
  Counter callbacks_delivered;
  Counter callbacks_failed;  // given up
  Gauge jobs_waiting;
  Histogram seconds{kLatencyBounds};  // of a request
};

}  // namespace vivace
