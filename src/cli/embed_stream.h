// Texts through the engine in order, with bounded memory: one thread reads and submits, another waits for answers and
// writes them, and between them stands a short queue of requests in flight.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "cli/progress.h"
#include "cli/text_source.h"
#include "cli/vector_writer.h"
#include "engine/engine.h"

namespace vivace {

enum class OnProblem { kStop, kSkip };

struct EmbedStreamOptions {
  EmbedRequest request;      // everything but the texts
  uint64_t first_index = 0;  // inputs before it are read and dropped: an earlier run answered them
  OnProblem on_problem = OnProblem::kStop;
};

struct EmbedStreamTotals {
  uint64_t texts = 0;  // embedded in this run
  uint64_t truncated = 0;
  uint64_t problems = 0;  // inputs without usable text that were skipped
};

// Ends with the first error: of the input (kStop), the engine or the writer. All answers before it are written.
// progress may be nullptr.
Result<EmbedStreamTotals> embed_stream(Engine& engine, TextSource& source, VectorWriter& writer,
                                       const EmbedStreamOptions& options, Progress* progress);

}  // namespace vivace
