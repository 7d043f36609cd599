// What one Engine counts. Dumped by server/metrics; read by tests.
#pragma once

#include "telemetry/metrics.h"

namespace vivace {

struct EngineStats {
  Counter requests_accepted;
  Counter requests_succeeded;
  Counter requests_overloaded;  // refused: the queue was full
  Counter requests_rejected;    // refused: wrong input
  Counter requests_expired;     // deadline passed before or while they ran
  Counter requests_cancelled;
  Counter requests_failed;  // our fault
  Counter texts;
  Counter tokens;
  Counter truncated_texts;
  Counter batches;
  Gauge queued_texts;
  Gauge queued_tokens;
  Histogram request_seconds{kLatencyBounds};  // submission to answer
  Histogram queue_seconds{kLatencyBounds};
  Histogram tokenize_seconds{kLatencyBounds};
  Histogram batch_seconds{kLatencyBounds};
  Histogram batch_tokens{kCountBounds};

  // Forgets what was counted, so that warming up is no traffic; before anybody reads it. Gauges stay.
  void reset();
};

}  // namespace vivace
