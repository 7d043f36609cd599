#include "cli/batch_tuning.h"

#include <algorithm>

#include "base/process_memory.h"
#include "cli/stage_samples.h"
#include "cli/text_request.h"
#include "engine/engine.h"

namespace vivace {
namespace {

constexpr size_t kWarmUpTexts = 100;

double resident_mb() {
  return static_cast<double>(resident_bytes()) / 1e6;
}

Result<void> measure(const TuneOptions& options, TuneRow* row) {
  EngineOptions engine_options;
  engine_options.threads = row->threads;
  engine_options.isa = options.isa;
  engine_options.precision = row->precision;
  engine_options.max_batch_tokens = row->batch_tokens;
  engine_options.max_queued_texts = static_cast<int>(options.texts.size());
  row->memory_before_mb = resident_mb();
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::load(options.directory, engine_options));
  const auto warm = static_cast<std::ptrdiff_t>(std::min(kWarmUpTexts, options.texts.size()));
  RETURN_IF_ERROR(answer_texts(*engine, {options.texts.begin(), options.texts.begin() + warm}));
  const StageTimer timer;
  RETURN_IF_ERROR(answer_texts(*engine, options.texts));
  row->elapsed_s = timer.elapsed_ms() / 1e3;
  row->texts_per_s = static_cast<double>(options.texts.size()) / row->elapsed_s;
  row->memory_after_mb = resident_mb();
  return {};
}

void try_sizes(const TuneOptions& options, TuneRow row, TuneReport* report) {
  for (row.batch_tokens = options.min_batch_tokens; row.batch_tokens <= options.max_batch_tokens;
       row.batch_tokens *= 2) {
    if (const auto done = measure(options, &row); !done) row.problem = done.error().message;
    report->rows.push_back(row);
    if (!row.problem.empty() || row.memory_after_mb > options.memory_limit_mb) return;
  }
}

}  // namespace

void choose_best(double memory_limit_mb, TuneReport* report) {
  for (size_t i = 0; i < report->rows.size(); ++i) {
    const TuneRow& row = report->rows[i];
    if (!row.problem.empty()) continue;
    const bool fits = row.memory_after_mb <= memory_limit_mb;
    const bool is_better =
        !report->best || (fits && !report->best_is_within_limit) ||
        (fits == report->best_is_within_limit && row.texts_per_s > report->rows[*report->best].texts_per_s);
    if (!is_better) continue;
    report->best = i;
    report->best_is_within_limit = fits;
  }
}

TuneReport tune_batches(const TuneOptions& options) {
  TuneReport report;
  for (const Precision precision : options.precisions) {
    for (const int threads : options.threads) {
      TuneRow row;
      row.precision = precision;
      row.threads = threads;
      try_sizes(options, row, &report);
    }
  }
  choose_best(options.memory_limit_mb, &report);
  return report;
}

}  // namespace vivace
