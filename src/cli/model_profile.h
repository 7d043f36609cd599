// Where a model's time and memory go: stage by stage, by batch size, and against what this machine could do. The
// originals' profilers in one (§1.9, §2.8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/stage_samples.h"
#include "engine/engine.h"
#include "telemetry/trace_summary.h"

namespace vivace {

struct ProfileOptions {
  std::string directory;
  EngineOptions engine;
  std::vector<std::string> texts;  // at least one
  int samples = 200;               // calls of each stage
  int concurrency = 4;             // callers at a time, for the throughput
  std::vector<int> batch_sizes = {1, 2, 4, 8, 16, 32};
  double batch_seconds = 0.5;  // of each batch size
};

struct BatchScaling {
  int batch_size = 0;
  BenchTimes times;
  double texts_per_s = 0;
};

struct ModelProfile {
  ModelInfo model;
  double load_ms = 0;  // with the warm-up
  double before_load_mb = 0;
  double after_load_mb = 0;
  double peak_mb = 0;
  StageSummary tokenization;  // by itself
  StageSummary inference;     // of tokens that are there
  StageSummary end_to_end;    // text to answer, one caller
  double sequential_per_s = 0;
  double concurrent_per_s = 0;
  std::vector<BatchScaling> batches;
  std::vector<ZoneTotal> zones;  // of the calls of one text; the largest first
  // Shares of one text's inference that arithmetic and reading the weights would take at this machine's best.
  double arithmetic_share = 0;
  double memory_share = 0;

  double tokenization_share() const {  // of tokenization and inference together
    return tokenization.mean_ms / (tokenization.mean_ms + inference.mean_ms);
  }
  std::string_view slowest_stage() const { return tokenization_share() > 0.5 ? "tokenization" : "inference"; }
  Bottleneck bottleneck() const {
    return classify_bottleneck(end_to_end.mean_ms, end_to_end.cpu_percent, memory_share);
  }
  bool gpu_worth_a_look() const { return bottleneck() == Bottleneck::kCompute; }
  // With the most texts a second.
  int best_batch_size() const;
};

// The errors of loading a model and of its requests.
Result<ModelProfile> profile_model(const ProfileOptions& options);

}  // namespace vivace
