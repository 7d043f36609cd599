// What claim verification counts. Names and labels are where the struct is dumped.
#pragma once

#include <array>

#include "telemetry/metrics.h"

namespace vivace {

// Seconds, from 5 ms to 2 minutes: a long claim against fifty passages takes a while.
inline constexpr std::array<double, Histogram::kBounds> kVerifyBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                                         2.5,   5,    10,    20,   30,  45,   60,  120};

struct ClaimStats {
  Histogram embedding_seconds{kVerifyBounds};
  Histogram retrieval_seconds{kVerifyBounds};
  Histogram nli_seconds{kVerifyBounds};
  Histogram store_seconds{kVerifyBounds};
  Histogram verify_seconds{kVerifyBounds};
  Counter embeddings;
  Counter nli_pairs;
  Counter supported;
  Counter refuted;
  Counter insufficient;
  Counter failed;      // verifications without a verdict
  Counter not_stored;  // verdicts that were answered but that the store could not take
  Counter retries;
};

}  // namespace vivace
