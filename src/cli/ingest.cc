// `vivace ingest`: a corpus of evidence into a store.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "apps/claims/query_embedding.h"
#include "base/mapped_file.h"
#include "cli/corpus_ingest.h"
#include "cli/digest.h"
#include "cli/model_options.h"
#include "cli/store_options.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace ingest corpus.jsonl --store evidence.db\n"
    "  vivace ingest corpus.csv --store evidence.db --resume\n"
    "  vivace ingest corpus.json --store evidence.db --tenant press --no-model\n"
    "  vivace ingest corpus.jsonl --store evidence.db --dry-run\n"
    "  sqlite3 -csv -header news.db 'SELECT text, url FROM news' | vivace ingest --input-format csv --store evidence.db"
    "\n\n"
    "A corpus is a JSON array, JSON objects a line, or CSV with a header. Fields: content (or text), and if there are "
    "any\n"
    "id, source_url (or url) and source_type (or source). A row whose id is in the store replaces the one there.";

struct IngestVerbOptions {
  ModelOptions model;
  StoreOptions store;
  std::string corpus = "-";
  std::string format;  // "json", "jsonl", "csv"; empty: by the file's ending
  size_t batch_rows = 64;
  std::string on_error = "stop";
  bool resume = false;
  bool no_model = false;
  bool dry_run = false;
};

void declare(CLI::App& verb, IngestVerbOptions* options) {
  CLI::Option* corpus =
      verb.add_option("CORPUS", options->corpus, "A file that ends in .json, .jsonl or .csv; without, standard input");
  verb.add_option("--file", options->corpus, "The same; - is standard input")->excludes(corpus);
  verb.add_option("--input-format", options->format, "What the corpus is (by the file's ending; standard input: jsonl)")
      ->check(CLI::IsMember({"json", "jsonl", "csv"}));
  add_store_options(verb, &options->store);
  add_model_option(verb, &options->model);
  verb.add_flag("--resume", options->resume, "Continue where an earlier run of this corpus ended");
  verb.add_option("--batch-size", options->batch_rows, "Rows that are embedded and stored together")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb.add_option("--on-error", options->on_error, "For a row that cannot be used: stop, or skip it and say how many")
      ->check(CLI::IsMember({"stop", "skip"}))
      ->capture_default_str();
  verb.add_flag("--no-model", options->no_model, "Store without vectors, for `search --mode keyword`");
  verb.add_flag("--dry-run", options->dry_run, "Read and check the corpus, store nothing");
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

// What a corpus is called in the store's checkpoints: its content, so that a changed file does not pass for the old
// one.
Result<std::string> corpus_name(const std::string& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::open(path));
  Digest digest = Digest::sha256();
  digest.update(file.bytes());
  return "sha256-" + digest.hex();
}

// The row to go on at. Rows of one corpus have vectors of one model or none: another one would leave those that are
// stored as they are, unseen.
Result<uint64_t> first_missing_row(EvidenceStore& store, const IngestOptions& ingest, const Engine* engine) {
  ASSIGN_OR_RETURN(const IngestCheckpoint stored, store.checkpoint(ingest.tenant, ingest.source));
  const std::string model = engine == nullptr ? "" : vector_model_name(engine->info());
  if (stored.position == 0 || stored.model_name == model) return stored.position;
  const auto in_words = [](const std::string& name) {
    return name.empty() ? std::string("no vectors") : "vectors of '" + name + "'";
  };
  return error(StatusCode::kInvalidArgument,
               fmt::format("{} rows of this corpus are stored with {}, and --resume would store the others with {}; "
                           "give the same model, or leave --resume out to store all rows anew",
                           stored.position, in_words(stored.model_name), in_words(model)));
}

void report(const IngestTotals& totals, uint64_t first_row, const IngestVerbOptions& options) {
  if (first_row > 0) fmt::print(stderr, "vivace: continued behind {} rows of an earlier run\n", first_row);
  fmt::print(stderr, "vivace: {} rows {}\n", totals.stored, options.dry_run ? "are fine, none stored" : "stored");
  if (totals.truncated > 0) {
    fmt::print(stderr, "vivace: {} rows are longer than the model takes; their vectors are of the beginning\n",
               totals.truncated);
  }
  if (totals.problems > 0) fmt::print(stderr, "vivace: {} rows could not be used and were skipped\n", totals.problems);
}

Result<void> run_ingest(const IngestVerbOptions& options) {
  const bool is_file = options.corpus != "-";
  if (options.resume && !is_file) return error(StatusCode::kInvalidArgument, "--resume needs a file, to know it again");
  if (!is_file && isatty(STDIN_FILENO) != 0) {
    std::fputs("vivace: reading a corpus from the terminal; end with Ctrl-D\n", stderr);
  }
  ASSIGN_OR_RETURN(CorpusReader corpus, CorpusReader::open(options.corpus, options.format));
  IngestOptions ingest;
  ingest.tenant = options.store.tenant;
  ingest.batch_rows = options.batch_rows;
  ingest.on_problem = options.on_error == "skip" ? OnProblem::kSkip : OnProblem::kStop;
  if (is_file) {
    ASSIGN_OR_RETURN(ingest.source, corpus_name(options.corpus));
  }
  std::unique_ptr<Engine> engine;
  if (!options.no_model && !options.dry_run) {
    ASSIGN_OR_RETURN(engine, load_engine(options.model));
  }
  std::unique_ptr<EvidenceStore> store;
  if (!options.dry_run) {
    ASSIGN_OR_RETURN(store, open_evidence_store(options.store.path));
  }
  if (options.resume && store != nullptr) {
    ASSIGN_OR_RETURN(ingest.first_row, first_missing_row(*store, ingest, engine.get()));
  }
  Progress progress("", ProgressUnit::kTexts);
  ASSIGN_OR_RETURN(const IngestTotals totals, ingest_corpus(corpus, engine.get(), store.get(), ingest, progress));
  progress.finish();
  report(totals, ingest.first_row, options);
  return {};
}

}  // namespace

void add_ingest_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("ingest", "A corpus of evidence into a store");
  auto options = std::make_shared<IngestVerbOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] { *action = [options] { return run_ingest(*options); }; });
}

}  // namespace vivace
