// `vivace bench`: how fast this machine runs a model or its tokenizer.
#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "cli/forward_bench.h"
#include "cli/model_options.h"
#include "cli/text_source.h"
#include "cli/verbs.h"
#include "formats/model_directory.h"
#include "text/tokenizer.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace bench --batch 32 --tokens 128\n"
    "  vivace bench --lengths 12,40,7 --seconds 5 --json\n"
    "  vivace bench --tokenize docs.txt";

struct BenchOptions {
  ModelOptions model;
  int batch = 1;
  int tokens = 128;
  std::vector<int> lengths;
  std::string tokenize_file;
  double seconds = 2;
  bool json = false;
};

Result<void> print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return {};
  return error(StatusCode::kInternal, "cannot write to standard output");
}

Result<void> run_forward(const BenchOptions& options) {
  ASSIGN_OR_RETURN(const Precision precision, parse_precision(options.model.precision));
  ForwardBenchOptions bench{.directory = "",
                            .isa = options.model.isa,
                            .precision = precision,
                            .threads = options.model.threads,
                            .lengths = options.lengths,
                            .seconds = options.seconds};
  if (bench.lengths.empty()) bench.lengths.assign(static_cast<size_t>(options.batch), options.tokens);
  ASSIGN_OR_RETURN(bench.directory, model_directory(options.model));
  ASSIGN_OR_RETURN(const ForwardBenchResult result, bench_forward(bench));
  const double floor_share = result.floor_ms / result.p50_ms;
  if (!options.json) {
    return print(
        fmt::format("{:.2f} ms median of {} runs (p99 {:.2f}, fastest {:.2f}), {:.0f} tokens/s\n"
                    "{:.0f} % of the {:.0f} GFLOP/s that the {} kernels reach on {} threads here\n",
                    result.p50_ms, result.runs, result.p99_ms, result.min_ms, result.tokens_per_s, floor_share * 100,
                    result.peak_gflops, result.isa, result.threads));
  }
  JsonWriter json;
  json.begin_object().key("p50_ms").value(result.p50_ms).key("p99_ms").value(result.p99_ms);
  json.key("min_ms").value(result.min_ms).key("tokens_per_s").value(result.tokens_per_s);
  json.key("floor_share").value(floor_share).key("isa").value(result.isa).key("precision").value(result.precision);
  json.key("threads").value(result.threads).key("runs").value(result.runs);
  json.key("peak_gflops").value(result.peak_gflops).end_object();
  return print(json.take() + "\n");
}

Result<std::vector<std::string>> read_texts(const std::string& file) {
  InputOptions input;
  input.file = file;
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(input));
  std::vector<std::string> texts;
  while (true) {
    ASSIGN_OR_RETURN(std::vector<InputText> inputs, source.next(1024, size_t{1} << 20));
    if (inputs.empty()) break;
    for (InputText& text : inputs) {
      if (!text.problem.empty()) return error(StatusCode::kInvalidArgument, text.problem);
      texts.push_back(std::move(text.text));
    }
  }
  if (texts.empty()) return error(StatusCode::kInvalidArgument, "'" + file + "' holds no text to time");
  return texts;
}

// One thread, one call for each text, as a server does it.
Result<void> run_tokenize(const BenchOptions& options) {
  using Clock = std::chrono::steady_clock;
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, read_texts(options.tokenize_file));
  ASSIGN_OR_RETURN(const std::string path, model_directory(options.model));
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(path));
  ASSIGN_OR_RETURN(const std::unique_ptr<const Tokenizer> tokenizer,
                   Tokenizer::from_directory(directory.path(), directory.model_type()));
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();

  const EncodeOptions encode;
  TokenSequence tokens;
  size_t token_count = 0;
  std::vector<double> round_seconds;
  const auto start = Clock::now();
  do {
    token_count = 0;
    const auto begin = Clock::now();
    for (const std::string& text : texts) {
      RETURN_IF_ERROR(tokenizer->encode(text, encode, &tokens));
      token_count += tokens.ids.size();
    }
    round_seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  } while (round_seconds.size() < kMinimumRuns ||
           std::chrono::duration<double>(Clock::now() - start).count() < options.seconds);
  std::ranges::sort(round_seconds);
  const double median = quantile(round_seconds, 0.5);
  const double mb_per_s = static_cast<double>(bytes) / median / 1e6;
  const double us_per_text = median / static_cast<double>(texts.size()) * 1e6;
  if (!options.json) {
    return print(fmt::format("{:.1f} MB/s, {:.2f} µs a text ({} texts, {} tokens, one thread, median of {} rounds)\n",
                             mb_per_s, us_per_text, texts.size(), token_count, round_seconds.size()));
  }
  JsonWriter json;
  json.begin_object().key("mb_per_s").value(mb_per_s).key("us_per_text").value(us_per_text);
  json.key("texts").value(static_cast<uint64_t>(texts.size())).key("tokens").value(static_cast<uint64_t>(token_count));
  json.key("rounds").value(static_cast<uint64_t>(round_seconds.size())).end_object();
  return print(json.take() + "\n");
}

void declare(CLI::App& verb, BenchOptions* options) {
  constexpr int kMaxSequences = 65536;
  add_model_option(verb, &options->model);
  auto* batch = verb.add_option("--batch", options->batch, "Sequences in the batch")
                    ->check(CLI::Range(1, kMaxSequences))
                    ->capture_default_str();
  auto* tokens = verb.add_option("--tokens", options->tokens, "Tokens of each sequence")
                     ->check(CLI::PositiveNumber)
                     ->capture_default_str();
  auto* lengths = verb.add_option("--lengths", options->lengths, "Tokens of each sequence of a mixed batch: 12,40,7")
                      ->delimiter(',')
                      ->excludes(batch)
                      ->excludes(tokens);
  verb.add_option("--tokenize", options->tokenize_file, "Time the tokenizer on this file's texts instead")
      ->excludes(batch)
      ->excludes(tokens)
      ->excludes(lengths);
  verb.add_option("--seconds", options->seconds, "How long to time")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  verb.add_flag("--json", options->json, "One JSON object instead of text");
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

}  // namespace

void add_bench_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("bench", "Time the forward pass or the tokenizer on this machine");
  auto options = std::make_shared<BenchOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] {
    *action = [options] { return options->tokenize_file.empty() ? run_forward(*options) : run_tokenize(*options); };
  });
}

}  // namespace vivace
