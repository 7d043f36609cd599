// A corpus into an evidence store: reads rows, has them embedded and stores them batch by batch, each batch together
// with how far the corpus has been read. The next batch is embedded while one is stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "cli/corpus_reader.h"
#include "cli/embed_stream.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "store/evidence_store.h"

namespace vivace {

struct IngestOptions {
  std::string tenant = kDefaultTenant;
  std::string source;      // names the corpus in the store's checkpoints; empty: none is written
  uint64_t first_row = 0;  // rows before it are read and dropped: an earlier run stored them
  size_t batch_rows = 64;
  OnProblem on_problem = OnProblem::kStop;
};

struct IngestTotals {
  uint64_t stored = 0;
  uint64_t truncated = 0;  // longer than the model takes: the vector is of the beginning
  uint64_t problems = 0;   // rows that could not be used and were skipped
};

// engine: nullptr stores without vectors. store: nullptr only reads and checks. Rows stored before an error stay.
Result<IngestTotals> ingest_corpus(CorpusReader& corpus, Engine* engine, EvidenceStore* store,
                                   const IngestOptions& options, Progress& progress);

}  // namespace vivace
