// `vivace bench`: how fast this machine runs a model or its tokenizer.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "cli/model_bench.h"
#include "cli/model_options.h"
#include "cli/number_checks.h"
#include "cli/tokenize_bench.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace bench --batch 32 --tokens 128\n"
    "  vivace bench --lengths 12,40,7 --seconds 5 --json\n"
    "  vivace bench --model codet5p-220m --tokens 64 --generate 50\n"
    "  vivace bench --tokens 16 --trace trace.json\n"
    "  vivace bench --tokenize docs.txt\n\n"
    "Token ids are random, and no repetitions are guessed with --generate. The share of what the machine could do is\n"
    "the time that arithmetic or reading the weights would take at its best rates in this precision, whichever is\n"
    "longer, by the time that was measured. A trace opens in chrome://tracing or ui.perfetto.dev.";

struct BenchOptions {
  ModelOptions model;
  int batch = 1;
  int tokens = 0;
  std::vector<int> lengths;
  int generate = 0;
  std::string trace_file;
  std::string tokenize_file;
  double seconds = 2;
  bool json = false;
};

Result<void> print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return {};
  return error(StatusCode::kInternal, "cannot write to standard output");
}

std::string to_text(const ModelBenchResult& result) {
  return fmt::format(
      "{}, {:.0f} tokens/s\n"
      "{:.0f} % of what {} threads could do here in {}: {:.0f} {} with the {} kernels, {:.0f} GB/s from memory\n",
      describe(result.times), result.tokens_per_s, result.floor_share() * 100, result.threads,
      precision_name(result.precision), result.peak_gflops, result.precision >= Precision::kInt8 ? "GOP/s" : "GFLOP/s",
      result.isa, result.read_gb_per_s);
}

std::string to_json(const ModelBenchResult& result) {
  JsonWriter json;
  json.begin_object();
  write_times(result.times, &json);
  json.key("tokens_per_s").value(result.tokens_per_s).key("floor_share").value(result.floor_share());
  json.key("floor_ms").value(result.floor_ms).key("isa").value(result.isa);
  json.key("precision").value(precision_name(result.precision));
  json.key("threads").value(result.threads).key("peak_gflops").value(result.peak_gflops);
  json.key("read_gb_per_s").value(result.read_gb_per_s);
  return json.end_object().take() + "\n";
}

Result<void> run_model(const BenchOptions& options) {
  ASSIGN_OR_RETURN(const Precision precision, parse_precision(options.model.precision));
  ModelBenchOptions bench{.directory = "",
                          .isa = options.model.isa,
                          .precision = precision,
                          .threads = options.model.threads,
                          .lengths = options.lengths,
                          .batch = options.batch,
                          .tokens = options.tokens,
                          .generate = options.generate,
                          .seconds = options.seconds,
                          .trace_file = options.trace_file};
  ASSIGN_OR_RETURN(bench.directory, model_directory(options.model));
  ASSIGN_OR_RETURN(const ModelBenchResult result, bench_model(bench));
  return print(options.json ? to_json(result) : to_text(result));
}

Result<void> run_tokenize(const BenchOptions& options) {
  ASSIGN_OR_RETURN(const std::string directory, model_directory(options.model));
  ASSIGN_OR_RETURN(const TokenizeBenchResult result,
                   bench_tokenizer(directory, options.tokenize_file, options.seconds));
  // For people; who reads it from a pipe or a file is a program.
  if (!options.json && isatty(STDOUT_FILENO) != 0) {
    return print(fmt::format("{:.1f} MB/s, {:.2f} µs a text ({} texts, {} tokens, one thread, median of {} rounds)\n",
                             result.mb_per_s, result.us_per_text, result.texts, result.tokens, result.times.runs));
  }
  JsonWriter json;
  json.begin_object().key("mb_per_s").value(result.mb_per_s).key("us_per_text").value(result.us_per_text);
  json.key("texts").value(static_cast<uint64_t>(result.texts));
  json.key("tokens").value(static_cast<uint64_t>(result.tokens));
  write_times(result.times, &json);
  return print(json.end_object().take() + "\n");
}

void declare(CLI::App& verb, BenchOptions* options) {
  constexpr int kMaxSequences = 65536;
  constexpr int kMaxWritten = 65536;
  constexpr int kMaxTokens = 1 << 24;
  add_model_option(verb, &options->model);
  auto* batch = verb.add_option("--batch", options->batch, "Sequences in the batch")
                    ->check(CLI::Range(1, kMaxSequences))
                    ->capture_default_str();
  auto* tokens =
      verb.add_option("--tokens", options->tokens, "Tokens of each sequence (default: 128, or what the model takes)")
          ->check(CLI::Range(1, kMaxTokens));
  auto* lengths = verb.add_option("--lengths", options->lengths, "Tokens of each sequence of a mixed batch: 12,40,7")
                      ->delimiter(',')
                      ->excludes(batch)
                      ->excludes(tokens);
  auto* generate =
      verb.add_option("--generate", options->generate, "Time reading one sequence and writing so many tokens after it")
          ->check(CLI::Range(1, kMaxWritten))
          ->excludes(lengths);
  auto* trace = verb.add_option("--trace", options->trace_file, "Also write a trace of three more runs to this file");
  auto* tokenize =
      verb.add_option("--tokenize", options->tokenize_file, "Time the tokenizer on this file's texts instead");
  for (CLI::Option* other : {batch, tokens, lengths, generate, trace}) tokenize->excludes(other);
  verb.add_option("--seconds", options->seconds, "How long to time")
      ->check(number_between(0.01, 3600))
      ->capture_default_str();
  verb.add_flag("--json", options->json, "One JSON object instead of text; always with --tokenize, but on a terminal");
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

}  // namespace

void add_bench_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("bench", "Time a model or its tokenizer on this machine");
  auto options = std::make_shared<BenchOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] {
    if (options->generate > 0 && options->batch > 1) {
      throw CLI::ValidationError("--generate", "writes after one sequence; leave --batch out");
    }
    *action = [options] { return options->tokenize_file.empty() ? run_model(*options) : run_tokenize(*options); };
  });
}

}  // namespace vivace
