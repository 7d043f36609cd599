// `vivace tune`: tries precisions, threads and batch sizes, and says or writes which are the best here.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/cpu_topology.h"
#include "base/json_writer.h"
#include "cli/batch_tuning.h"
#include "cli/config_edit.h"
#include "cli/model_options.h"
#include "cli/number_checks.h"
#include "cli/output_file.h"
#include "cli/text_file.h"
#include "cli/verbs.h"
#include "engine/sample_texts.h"

namespace vivace {
namespace {

constexpr double kWantedTextsPerSecond = 500;  // the original's target for vectors
constexpr char kExamples[] =
    "Examples:\n"
    "  vivace tune\n"
    "  vivace tune --precision fp32,bf16 --file documents.jsonl --num-samples 4000\n"
    "  vivace tune --memory-limit 500 --write vivace.yaml\n\n"
    "Batches are measured in tokens and doubled from --min-batch to --max-batch. A precision or number of threads is "
    "left\n"
    "after the first size beyond --memory-limit, and after the first that fails. The best setting is the fastest "
    "within\n"
    "the limit, else the fastest of all; int8 changes answers a little: `vivace pack --check` says how much.";

struct TuneVerbOptions {
  ModelOptions model;
  std::vector<std::string> precisions = {"fp32", "bf16", "int8"};
  std::vector<int> threads;
  int min_batch = 512;
  int max_batch = 32768;
  int samples = 1000;
  double memory_limit = 4000;
  std::string file;
  std::string write;
  bool json = false;
};

std::string to_text(const TuneReport& report) {
  std::string text =
      fmt::format("{:>9} {:>7} {:>12} {:>10} {:>9}\n", "precision", "threads", "batch tokens", "texts/s", "MB");
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const TuneRow& row = report.rows[i];
    text += fmt::format("{:>9} {:7} {:12} ", precision_name(row.precision), row.threads, row.batch_tokens);
    text += row.problem.empty() ? fmt::format("{:10.1f} {:9.1f}{}\n", row.texts_per_s, row.memory_after_mb,
                                              report.best == i ? "  best" : "")
                                : fmt::format("failed: {}\n", row.problem);
  }
  if (report.best && !report.best_is_within_limit) text += "Every setting takes more than --memory-limit.\n";
  return text;
}

void write_row(const TuneRow& row, JsonWriter* json) {
  json->begin_object().key("precision").value(precision_name(row.precision)).key("threads").value(row.threads);
  json->key("batch_tokens").value(row.batch_tokens).key("success").value(row.problem.empty());
  if (!row.problem.empty()) {
    json->key("error").value(row.problem).end_object();
    return;
  }
  json->key("elapsed_time_s").value(row.elapsed_s).key("throughput_texts_per_sec").value(row.texts_per_s);
  json->key("memory_before_mb").value(row.memory_before_mb).key("memory_after_mb").value(row.memory_after_mb);
  json->key("memory_used_mb").value(row.memory_after_mb - row.memory_before_mb).end_object();
}

std::string to_json(const TuneReport& report, const TuneOptions& options) {
  JsonWriter json;
  json.begin_object().key("model").value(options.directory);
  json.key("num_texts").value(static_cast<uint64_t>(options.texts.size()));
  json.key("memory_limit_mb").value(options.memory_limit_mb).key("results").begin_array();
  for (const TuneRow& row : report.rows) write_row(row, &json);
  json.end_array().key("optimal");
  if (report.best) {
    write_row(report.rows[*report.best], &json);
  } else {
    json.null();
  }
  json.key("within_limit").value(report.best_is_within_limit);
  json.key("target_met").value(report.best && report.rows[*report.best].texts_per_s > kWantedTextsPerSecond);
  return json.end_object().take() + "\n";
}

Result<TuneOptions> tune_options_of(const TuneVerbOptions& options) {
  TuneOptions tune;
  tune.isa = options.model.isa;
  tune.threads = options.threads;
  tune.min_batch_tokens = options.min_batch;
  tune.max_batch_tokens = options.max_batch;
  tune.memory_limit_mb = options.memory_limit;
  ASSIGN_OR_RETURN(tune.directory, model_directory(options.model));
  for (const std::string& name : options.precisions) {
    ASSIGN_OR_RETURN(const Precision precision, parse_precision(name));
    tune.precisions.push_back(precision);
  }
  if (tune.threads.empty()) {
    const int most = read_cpu_limits().usable_threads();
    for (int threads = 1; threads < most; threads *= 2) tune.threads.push_back(threads);
    tune.threads.push_back(most);
  }
  std::vector<std::string> texts = sample_texts();
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(texts, read_texts(options.file));
  }
  tune.texts = different_texts(texts, static_cast<size_t>(options.samples));
  return tune;
}

Result<void> run(const TuneVerbOptions& options) {
  ASSIGN_OR_RETURN(const TuneOptions tune, tune_options_of(options));
  const TuneReport report = tune_batches(tune);
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  RETURN_IF_ERROR(output.write(options.json ? to_json(report, tune) : to_text(report)));
  RETURN_IF_ERROR(output.flush());
  if (!report.best) return error(StatusCode::kInvalidArgument, "no setting worked: " + report.rows.front().problem);
  if (options.write.empty()) return {};
  const TuneRow& best = report.rows[*report.best];
  RETURN_IF_ERROR(set_config_keys(options.write, {{"precision", std::string(precision_name(best.precision))},
                                                  {"threads", std::to_string(best.threads)},
                                                  {"max_batch_tokens", std::to_string(best.batch_tokens)}}));
  fmt::print(stderr, "vivace: wrote precision, threads and max_batch_tokens to {}\n", options.write);
  return {};
}

void declare(CLI::App& verb, TuneVerbOptions* options) {
  constexpr int kMostTokens = 1 << 20;
  constexpr int kMostSamples = 100000;
  constexpr int kMostThreads = 1024;
  add_model_option(verb, &options->model);
  verb.add_option("--precision", options->precisions, "Precisions to try, with commas between")
      ->delimiter(',')
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "int8"}))
      ->capture_default_str();
  verb.add_option("--threads", options->threads,
                  "Numbers of threads to try (default: 1, 2, 4 … what the container allows)")
      ->delimiter(',')
      ->check(CLI::Range(1, kMostThreads));
  add_isa_option(verb, &options->model.isa);
  verb.add_option("--min-batch", options->min_batch, "Tokens of the smallest batch")
      ->check(CLI::Range(1, kMostTokens))
      ->capture_default_str();
  verb.add_option("--max-batch", options->max_batch, "Tokens of the largest batch")
      ->check(CLI::Range(1, kMostTokens))
      ->capture_default_str();
  verb.add_option("--num-samples", options->samples, "Texts that each setting reads")
      ->check(CLI::Range(1, kMostSamples))
      ->capture_default_str();
  verb.add_option("--memory-limit", options->memory_limit, "Megabytes that the process may have in memory")
      ->check(number_between(1, 1e9))
      ->capture_default_str();
  verb.add_option("--file", options->file, "Texts to read, one a line or JSON lines (default: some of our own)");
  verb.add_option("--write", options->write, "Configuration file to put the best setting into");
  verb.add_flag("--json", options->json, "One JSON object instead of text");
  verb.footer(kExamples);
}

}  // namespace

void add_tune_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("tune", "Find the precision, threads and batch size that are fastest here");
  auto options = std::make_shared<TuneVerbOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] {
    if (options->min_batch > options->max_batch) {
      throw CLI::ValidationError("--min-batch", "is more than --max-batch");
    }
    *action = [options] { return run(*options); };
  });
}

}  // namespace vivace
