// Which precision, threads and size of batches make a model fastest on this machine, within a limit of memory: the
// original's batch optimiser (§2.8) over tokens per batch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "tensor/precision.h"

namespace vivace {

struct TuneOptions {
  std::string directory;
  std::string isa;                    // kernel table by name; empty: as everywhere
  std::vector<Precision> precisions;  // at least one
  std::vector<int> threads;           // at least one
  int min_batch_tokens = 512;         // doubled up to
  int max_batch_tokens = 32768;
  std::vector<std::string> texts;  // at least one
  double memory_limit_mb = 4000;   // of the whole process
};

struct TuneRow {
  Precision precision = Precision::kF32;
  int threads = 0;
  int batch_tokens = 0;
  double elapsed_s = 0;
  double texts_per_s = 0;
  double memory_before_mb = 0;
  double memory_after_mb = 0;
  std::string problem;  // not empty: why there is no result
};

struct TuneReport {
  std::vector<TuneRow> rows;
  std::optional<size_t> best;  // the fastest row within the limit, else of all; nullopt when all failed
  bool best_is_within_limit = false;
};

// The fastest of the rows that worked.
void choose_best(double memory_limit_mb, TuneReport* report);

// Goes through the sizes of each precision and number of threads, smallest first, and on to the next after the first
// size beyond the memory limit and after the first that fails (the model does not load in that precision, say).
TuneReport tune_batches(const TuneOptions& options);

}  // namespace vivace
