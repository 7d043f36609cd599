// `vivace search`: evidence in a store by meaning, by words or by both.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/claims/evidence_search.h"
#include "apps/claims/query_embedding.h"
#include "base/json_writer.h"
#include "cli/model_options.h"
#include "cli/number_checks.h"
#include "cli/output_file.h"
#include "cli/store_options.h"
#include "cli/text_source.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace search 'how hot is boiling water' --store evidence.db\n"
    "  vivace search 'boiling water' --store evidence.db --mode keyword --limit 3\n"
    "  vivace search 'boiling water' --store evidence.db --format text\n"
    "  vivace search --file queries.jsonl --store evidence.db\n\n"
    "One line of output for each piece of evidence, the best first, and before \"rank\" the \"index\" of the query "
    "where\n"
    "there is not just one argument; JSON lines have a \"query\" or \"text\":\n"
    "{\"rank\":1,\"evidence_id\":\"…\",\"content\":\"…\",\"source_url\":\"…\",\"similarity\":0.71}; similarity is the "
    "cosine,\n"
    "null where there is no vector. Keyword and hybrid search add the score that the order is by.";

struct SearchOptions {
  ModelOptions model;
  InputOptions input;
  StoreOptions store;
  std::string mode = "hybrid";
  size_t limit = 10;
  double min_similarity = -1;
  std::string source_url;
  std::string format = "jsonl";
};

void declare(CLI::App& verb, SearchOptions* options) {
  add_input_options(verb, &options->input);
  add_store_options(verb, &options->store);
  verb.add_option("--mode", options->mode, "vector (meaning), keyword (words; needs no model) or hybrid (both)")
      ->check(CLI::IsMember({"vector", "keyword", "hybrid"}))
      ->capture_default_str();
  verb.add_option("--limit", options->limit, "How many at most")->check(CLI::Range(1, 1000))->capture_default_str();
  verb.add_option("--min-similarity", options->min_similarity,
                  "Leave out evidence with a smaller cosine (not in keyword mode)")
      ->check(number_between(-1, 1));
  verb.add_option("--source", options->source_url, "Only evidence with this source_url");
  verb.add_option("--format", options->format, "jsonl, or text for people")
      ->check(CLI::IsMember({"jsonl", "text"}))
      ->capture_default_str();
  add_model_option(verb, &options->model);
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

// Of the model that makes vectors of queries, nullptr where none is needed.
Result<std::unique_ptr<Engine>> load_embedder(const SearchOptions& options, SearchMode mode, EvidenceStore& store) {
  if (mode == SearchMode::kKeyword) return nullptr;
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, load_engine(options.model));
  RETURN_IF_ERROR(check_vector_model(store, options.store.tenant, engine->info()));
  ASSIGN_OR_RETURN(const std::string filled_with, store.vector_model(options.store.tenant));
  if (filled_with.empty()) {
    fmt::print(stderr,
               "vivace: the store has no vectors; only --mode keyword finds something (`vivace ingest` with a "
               "model makes them)\n");
  }
  return engine;
}

// query: nullptr where it is the only one.
std::string json_line(const InputText* query, size_t rank, const EvidenceHit& hit, SearchMode mode) {
  JsonWriter json;
  json.begin_object();
  if (query != nullptr) json.key("index").value(query->index);
  json.key("rank").value(static_cast<uint64_t>(rank)).key("evidence_id").value(hit.evidence.id);
  json.key("content").value(hit.evidence.content).key("source_url");
  if (hit.evidence.source_url.empty()) {
    json.null();
  } else {
    json.value(hit.evidence.source_url);
  }
  json.key("similarity");
  if (hit.similarity) {
    json.value(*hit.similarity);
  } else {
    json.null();
  }
  if (mode != SearchMode::kVector) json.key("score").value(hit.score);
  if (mode == SearchMode::kHybrid) json.key("matched_via").value(matched_via_name(hit.via));
  return json.end_object().take() + "\n";
}

std::string text_lines(size_t rank, const EvidenceHit& hit) {
  const std::string similarity = hit.similarity ? fmt::format("{:.3f}", *hit.similarity) : "    -";
  std::string text = fmt::format("{:3}  {}  {}\n", rank, similarity, hit.evidence.content);
  if (!hit.evidence.source_url.empty()) text += fmt::format("            {}\n", hit.evidence.source_url);
  return text;
}

EvidenceSearch search_of(const SearchOptions& options, SearchMode mode) {
  EvidenceSearch search;
  search.mode = mode;
  search.tenant = options.store.tenant;
  search.limit = options.limit;
  search.min_similarity = options.min_similarity;
  if (!options.source_url.empty()) search.source_url = options.source_url;
  return search;
}

Result<void> write_hits(const std::vector<EvidenceHit>& hits, const SearchOptions& options, const InputText& query,
                        SearchMode mode, OutputFile* output) {
  const InputText* const one_of_several = options.input.texts.size() == 1 ? nullptr : &query;
  const bool as_text = options.format == "text";
  if (as_text && one_of_several != nullptr) RETURN_IF_ERROR(output->write(query.text + "\n"));
  for (size_t i = 0; i < hits.size(); ++i) {
    RETURN_IF_ERROR(
        output->write(as_text ? text_lines(i + 1, hits[i]) : json_line(one_of_several, i + 1, hits[i], mode)));
  }
  return output->flush();
}

Result<void> run_search(const SearchOptions& options) {
  ASSIGN_OR_RETURN(const SearchMode mode, parse_search_mode(options.mode));
  const InputFields fields{.first = "query", .other_names = {"text"}};
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input, fields));
  ASSIGN_OR_RETURN(const std::unique_ptr<EvidenceStore> store, open_existing_store(options.store));
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> embedder, load_embedder(options, mode, *store));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  EvidenceSearch search = search_of(options, mode);
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<InputText> inputs, source.next(1, SIZE_MAX));
    if (inputs.empty()) return {};
    const InputText& query = inputs.front();
    if (!query.problem.empty()) return error(StatusCode::kInvalidArgument, query.problem);
    search.text = query.text;
    if (embedder != nullptr) {
      ASSIGN_OR_RETURN(QueryVector vector, embed_query(*embedder, query.text, {}));
      if (vector.truncated) {
        fmt::print(stderr, "vivace: the query is longer than the model's {} tokens and was cut\n",
                   embedder->info().max_tokens);
      }
      search.vector = std::move(vector.values);
    }
    ASSIGN_OR_RETURN(const std::vector<EvidenceHit> hits, search_evidence(*store, search));
    RETURN_IF_ERROR(write_hits(hits, options, query, mode, &output));
  }
}

}  // namespace

void add_search_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("search", "Evidence in a store by meaning, words or both");
  auto options = std::make_shared<SearchOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] { *action = [options] { return run_search(*options); }; });
}

}  // namespace vivace
