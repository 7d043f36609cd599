#include "cli/profile_report.h"

#include <algorithm>

#include <fmt/format.h>

namespace vivace {
namespace {

constexpr size_t kZonesInText = 10;

// What the original's documents expect of a Python pipeline, in percent of a call.
struct ExpectedShare {
  const char* part;
  const char* percent;
};
constexpr ExpectedShare kExpectedTokenization{"tokenization", "30-40"};
constexpr ExpectedShare kExpectedInference{"inference and pooling", "45-60"};
constexpr ExpectedShare kExpectedRest{"everything else", "5-10"};

struct MeasuredShare {
  ExpectedShare expected;
  double percent;
};

std::vector<MeasuredShare> shares(const ModelProfile& profile) {
  const double all = profile.end_to_end.mean_ms;
  const double tokenization = std::min(100.0, profile.tokenization.mean_ms / all * 100);
  const double inference = std::min(100.0 - tokenization, profile.inference.mean_ms / all * 100);
  return {{kExpectedTokenization, tokenization},
          {kExpectedInference, inference},
          {kExpectedRest, 100 - tokenization - inference}};
}

std::string stage_line(const StageSummary& stage) {
  return fmt::format("  {:14} {:9.3f} {:9.3f} {:9.3f} {:9.3f} {:9.3f} {:7.1f} {:8.1f}\n", stage.name,
                     stage.times.p50_ms, stage.times.p95_ms, stage.times.p99_ms, stage.mean_ms, stage.std_ms,
                     stage.cpu_percent, stage.memory_peak_mb);
}

std::string zones_text(const ModelProfile& profile) {
  int64_t all = 0;
  for (const ZoneTotal& zone : profile.zones) all += zone.self_ns;
  std::string text = "  where the time of all threads goes, zones by their own time:\n";
  for (size_t i = 0; i < std::min(kZonesInText, profile.zones.size()); ++i) {
    const ZoneTotal& zone = profile.zones[i];
    text += fmt::format("    {:28} {:5.1f} % {:9} calls\n", zone.name,
                        100.0 * static_cast<double>(zone.self_ns) / static_cast<double>(std::max<int64_t>(all, 1)),
                        zone.calls);
  }
  return text;
}

std::string model_text(const ModelProfile& profile) {
  const ModelInfo& model = profile.model;
  std::string text = fmt::format("{} ({}, {}, {}, {} threads)\n", model.directory, model.architecture, model.precision,
                                 model.isa, model.threads);
  text += fmt::format("  load and warm-up {:.1f} ms; memory {:.1f} MB before, {:.1f} MB after, {:.1f} MB at most\n",
                      profile.load_ms, profile.before_load_mb, profile.after_load_mb, profile.peak_mb);
  text += fmt::format("  {:14} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>8}\n", "ms", "p50", "p95", "p99", "mean", "std",
                      "CPU %", "MB");
  for (const auto* stage : {&profile.tokenization, &profile.inference, &profile.end_to_end}) text += stage_line(*stage);
  text += "  share of a call          here   expected of a Python pipeline\n";
  for (const MeasuredShare& share : shares(profile)) {
    text += fmt::format("    {:22} {:5.1f} %   {} %\n", share.expected.part, share.percent, share.expected.percent);
  }
  text += fmt::format("  {:.1f} texts/s from one caller, {:.1f} from several\n", profile.sequential_per_s,
                      profile.concurrent_per_s);
  text += fmt::format("  {:>10} {:>9} {:>9} {:>10}\n", "batch", "p50 ms", "p99 ms", "texts/s");
  for (const BatchScaling& row : profile.batches) {
    text += fmt::format("  {:10} {:9.3f} {:9.3f} {:10.1f}{}\n", row.batch_size, row.times.p50_ms, row.times.p99_ms,
                        row.texts_per_s, row.batch_size == profile.best_batch_size() ? "  best" : "");
  }
  text += zones_text(profile);
  text += fmt::format(
      "  bottleneck: {} ({:.0f} % of the time is arithmetic at this machine's best rate, {:.0f} % reading "
      "the weights); the slower stage is {}\n  {}\n",
      bottleneck_name(profile.bottleneck()), profile.arithmetic_share * 100, profile.memory_share * 100,
      profile.slowest_stage(), recommendation(profile.bottleneck()));
  return text;
}

void write_stage(const StageSummary& stage, JsonWriter* json) {
  json->begin_object().key("name").value(stage.name).key("sample_count").value(stage.times.runs);
  json->key("latency").begin_object().key("p50_ms").value(stage.times.p50_ms).key("p95_ms").value(stage.times.p95_ms);
  json->key("p99_ms").value(stage.times.p99_ms).key("mean_ms").value(stage.mean_ms).key("std_ms").value(stage.std_ms);
  json->end_object().key("cpu").begin_object().key("avg_percent").value(stage.cpu_percent);
  json->key("peak_percent").value(stage.cpu_peak_percent).end_object();
  json->key("memory").begin_object().key("avg_mb").value(stage.memory_mb).key("peak_mb").value(stage.memory_peak_mb);
  json->end_object().end_object();
}

void write_zones(const ModelProfile& profile, JsonWriter* json) {
  json->key("zones").begin_array();
  for (const ZoneTotal& zone : profile.zones) {
    json->begin_object().key("name").value(zone.name).key("calls").value(zone.calls);
    json->key("total_ms").value(static_cast<double>(zone.total_ns) / 1e6);
    json->key("self_ms").value(static_cast<double>(zone.self_ns) / 1e6).end_object();
  }
  json->end_array();
}

void write_model(const ModelProfile& profile, JsonWriter* json) {
  json->begin_object().key("model_name").value(profile.model.directory);
  json->key("precision").value(profile.model.precision).key("isa").value(profile.model.isa);
  json->key("threads").value(profile.model.threads).key("load_ms").value(profile.load_ms);
  json->key("memory").begin_object().key("before_load_mb").value(profile.before_load_mb);
  json->key("after_load_mb").value(profile.after_load_mb).key("peak_mb").value(profile.peak_mb).end_object();
  json->key("stages").begin_array();
  for (const auto* stage : {&profile.tokenization, &profile.inference, &profile.end_to_end}) write_stage(*stage, json);
  json->end_array().key("shares").begin_array();
  for (const MeasuredShare& share : shares(profile)) {
    json->begin_object().key("part").value(share.expected.part).key("percent").value(share.percent);
    json->key("expected_percent").value(share.expected.percent).end_object();
  }
  json->end_array().key("throughput").begin_object().key("sequential_rps").value(profile.sequential_per_s);
  json->key("concurrent_rps").value(profile.concurrent_per_s);
  json->key("concurrency_scaling").value(profile.concurrent_per_s / profile.sequential_per_s).end_object();
  json->key("batches").begin_array();
  for (const BatchScaling& row : profile.batches) {
    json->begin_object().key("batch_size").value(row.batch_size).key("p50_ms").value(row.times.p50_ms);
    json->key("p99_ms").value(row.times.p99_ms).key("texts_per_s").value(row.texts_per_s).end_object();
  }
  json->end_array().key("optimal_batch_size").value(profile.best_batch_size());
  write_zones(profile, json);
  json->key("analysis").begin_object().key("bottleneck_type").value(bottleneck_name(profile.bottleneck()));
  json->key("slowest_stage").value(profile.slowest_stage()).key("arithmetic_share").value(profile.arithmetic_share);
  json->key("memory_share").value(profile.memory_share);
  json->key("gpu_recommendation").value(recommendation(profile.bottleneck())).end_object().end_object();
}

std::string gpu_verdict(const ModelProfile& profile) {
  return profile.gpu_worth_a_look() ? "YES" : "NO";
}

void write_decisions(std::span<const ModelProfile> profiles, JsonWriter* json) {
  json->key("gpu_decision_matrix").begin_array();
  for (const ModelProfile& profile : profiles) {
    json->begin_object().key("model").value(profile.model.directory);
    json->key("type").value(bottleneck_name(profile.bottleneck())).key("p99_ms").value(profile.end_to_end.times.p99_ms);
    json->key("cpu_percent").value(profile.end_to_end.cpu_percent).key("gpu").value(gpu_verdict(profile)).end_object();
  }
  json->end_array().key("summary").begin_object();
  json->key("overall_recommendation").value(overall_recommendation(profiles)).key("reasons").begin_array();
  for (const ModelProfile& profile : profiles) {
    json->value(profile.model.directory + " is " + std::string(bottleneck_name(profile.bottleneck())));
  }
  json->end_array().key("action_items").begin_array();
  for (const ModelProfile& profile : profiles) json->value(recommendation(profile.bottleneck()));
  json->end_array().end_object();
}

}  // namespace

std::string_view overall_recommendation(std::span<const ModelProfile> profiles) {
  return std::ranges::any_of(profiles, &ModelProfile::gpu_worth_a_look) ? "EVALUATE_GPU" : "KEEP_CPU";
}

std::string profile_text(std::span<const ModelProfile> profiles) {
  if (profiles.empty()) return "No model was profiled.\n";
  std::string text;
  for (const ModelProfile& profile : profiles) text += model_text(profile) + "\n";
  text += "GPU acceleration decision matrix\n";
  text += fmt::format("  {:14} {:>9} {:>7} {:>5}  {}\n", "type", "p99 ms", "CPU %", "GPU", "model");
  for (const ModelProfile& profile : profiles) {
    text += fmt::format("  {:14} {:9.3f} {:7.1f} {:>5}  {}\n", bottleneck_name(profile.bottleneck()),
                        profile.end_to_end.times.p99_ms, profile.end_to_end.cpu_percent, gpu_verdict(profile),
                        profile.model.directory);
  }
  return text + fmt::format("{}\n", overall_recommendation(profiles));
}

std::string profile_json(std::span<const ModelProfile> profiles) {
  JsonWriter json;
  json.begin_object().key("models").begin_array();
  for (const ModelProfile& profile : profiles) write_model(profile, &json);
  json.end_array();
  write_decisions(profiles, &json);
  return json.end_object().take() + "\n";
}

}  // namespace vivace
