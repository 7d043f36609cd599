// `vivace embed`: texts to vectors.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "cli/answer_verb.h"
#include "cli/embed_stream.h"
#include "cli/model_options.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace embed 'good morning' 'guten Morgen'\n"
    "  vivace embed --file docs.txt > vectors.jsonl\n"
    "  vivace embed --file docs.jsonl --output vectors.jsonl --resume\n"
    "  vivace embed --file docs.jsonl --format npy --output vectors.npy\n"
    "  cat docs.txt | vivace embed --dimensions 128\n\n"
    "One line of output for each text: {\"index\":0,\"tokens\":5,\"embedding\":[…]}.";

struct EmbedOptions {
  ModelOptions model;
  InputOptions input;
  std::string format = "jsonl";
  std::string output = "-";
  int dimensions = 0;
  std::string prompt_name;
  std::string pooling;
  bool no_normalize = false;
  bool resume = false;
  bool refuse_long = false;
  std::string on_error = "stop";
};

void declare(CLI::App& verb, EmbedOptions* options) {
  add_input_options(verb, &options->input);
  add_model_option(verb, &options->model);
  verb.add_option("--format", options->format, "jsonl, or npy: a float32 array for numpy.load")
      ->check(CLI::IsMember({"jsonl", "npy"}))
      ->capture_default_str();
  verb.add_option("--output,-o", options->output, "Write to this file, - is standard output")->capture_default_str();
  verb.add_flag("--resume", options->resume, "Continue behind the last complete row of --output");
  verb.add_option("--dimensions", options->dimensions, "Keep the first N values and normalise again")
      ->check(CLI::Range(1, 1 << 24));
  verb.add_option("--prompt-name", options->prompt_name, "Put this prompt of the model before each text");
  verb.add_option("--pooling", options->pooling,
                  "mean, cls, last, or none: a vector for each token (default: the model's)")
      ->check(CLI::IsMember({"mean", "cls", "last", "none"}));
  verb.add_flag("--no-normalize", options->no_normalize, "Leave vectors at the length that the model gives them");
  verb.add_flag("--no-truncation", options->refuse_long,
                "Refuse texts longer than the model takes instead of cutting them");
  verb.add_option("--on-error", options->on_error,
                  "For a line without usable text: stop, or skip with a line {\"index\",\"error\"}")
      ->check(CLI::IsMember({"stop", "skip"}))
      ->capture_default_str();
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

void check_combination(const EmbedOptions& options) {
  if (options.input.texts.empty()) check_not_the_input("--output", options.input.file, options.output);
  if (options.resume && options.output == "-") {
    throw CLI::ValidationError("--resume needs --output FILE to look at what is there");
  }
  if (options.resume && !options.input.texts.empty()) {
    throw CLI::ValidationError("--resume is for --file or standard input, not for texts on the command line");
  }
  if (options.format == "npy" && options.pooling == "none") {
    throw CLI::ValidationError(
        "--pooling none gives each text its own number of vectors, which --format npy cannot hold");
  }
  if (options.format == "npy" && options.on_error == "skip") {
    throw CLI::ValidationError("--on-error skip leaves gaps, which --format npy cannot show; use --format jsonl");
  }
  if (options.format == "npy" && options.output == "-" && isatty(STDOUT_FILENO) != 0) {
    throw CLI::ValidationError("--format npy is binary; give --output FILE");
  }
}

Result<EmbedRequest> make_request(const EmbedOptions& options) {
  EmbedRequest request;
  if (options.dimensions > 0) request.dimensions = options.dimensions;
  if (!options.prompt_name.empty()) request.prompt_name = options.prompt_name;
  if (options.no_normalize) request.normalize = false;
  if (options.refuse_long) request.too_long = TooLong::kRefuse;
  if (!options.pooling.empty()) {
    ASSIGN_OR_RETURN(request.pooling, parse_pooling_mode(options.pooling));
  }
  return request;
}

size_t vector_size(const EmbedOptions& options, const ModelInfo& model) {
  const int size = options.pooling.empty()     ? model.embedding_size
                   : options.pooling == "none" ? model.hidden_size
                                               : model.pooled_size;
  if (options.dimensions > size) {
    throw_usage_error(fmt::format("--dimensions {} is more than the model's {}", options.dimensions, size));
  }
  return static_cast<size_t>(options.dimensions > 0 ? options.dimensions : size);
}

void check_prompt_name(const EmbedOptions& options, const ModelInfo& model) {
  const std::vector<std::string>& names = model.prompt_names;
  if (options.prompt_name.empty() || std::ranges::find(names, options.prompt_name) != names.end()) return;
  throw_usage_error(fmt::format("--prompt-name: the model has no prompt named '{}'; {}", options.prompt_name,
                                names.empty() ? "it has none" : fmt::format("known: {}", fmt::join(names, ", "))));
}

Result<void> run_embed(const EmbedOptions& options) {
  StreamOptions stream;
  ASSIGN_OR_RETURN(EmbedRequest request, make_request(options));
  stream.on_problem = options.on_error == "skip" ? OnProblem::kSkip : OnProblem::kStop;
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input));
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, load_engine(options.model));
  const size_t size = vector_size(options, engine->info());
  check_prompt_name(options, engine->info());

  using Existing = OutputFile::Existing;
  ASSIGN_OR_RETURN(OutputFile file,
                   OutputFile::open(options.output, options.resume ? Existing::kContinue : Existing::kOverwrite));
  if (options.resume && !file.seekable()) {
    return error(StatusCode::kInvalidArgument, "--resume needs a regular file as --output");
  }
  std::unique_ptr<VectorWriter> writer;
  if (options.format == "npy") {
    ASSIGN_OR_RETURN(writer, make_npy_writer(std::move(file), size));
  } else {
    writer = make_jsonl_writer(std::move(file), size,
                               options.pooling == "none" ? VectorsOfText::kOneForEachToken : VectorsOfText::kOne);
  }
  if (options.resume) {
    ASSIGN_OR_RETURN(stream.first_index, writer->resume());
    if (stream.first_index > 0) fmt::print(stderr, "vivace: continuing at text {}\n", stream.first_index + 1);
  }

  // Vectors on the same terminal would be torn apart by the progress line.
  const bool vectors_on_terminal = options.output == "-" && isatty(STDOUT_FILENO) != 0;
  Progress progress("", ProgressUnit::kTexts);
  const StreamedVerb verb = embed_verb(*engine, *writer, std::move(request));
  ASSIGN_OR_RETURN(const StreamTotals totals,
                   stream_answers(verb, source, stream, vectors_on_terminal ? nullptr : &progress));
  if (source.taken() < stream.first_index) {
    return error(StatusCode::kInvalidArgument,
                 fmt::format("--resume: {} has vectors of {} texts, the input only {} texts; it is not their output",
                             options.output, stream.first_index, source.taken()));
  }
  RETURN_IF_ERROR(writer->finish());
  progress.finish();
  report_totals(totals, engine->info());
  return {};
}

}  // namespace

void add_embed_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("embed", "Texts to vectors");
  auto options = std::make_shared<EmbedOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] {
    check_combination(*options);
    *action = [options] { return run_embed(*options); };
  });
}

}  // namespace vivace
