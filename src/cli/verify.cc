// `vivace verify`: what the evidence of a store says about a claim.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/claims/claim_verifier.h"
#include "apps/claims/verify_json.h"
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
    "  vivace verify 'Water boils at 100 degrees Celsius at sea level.' --store evidence.db --model models/nli\n"
    "  vivace verify 'The Moon is made of cheese.' --store evidence.db --format text --max-evidence 5\n"
    "  vivace verify 'The Moon is made of cheese.' --store evidence.db --strategy mean_confidence --threshold 0.7\n"
    "  vivace verify --file claims.jsonl --store evidence.db\n\n"
    "--model is the entailment model (labels entailment, neutral, contradiction), --embedder the one that filled the\n"
    "store. JSON lines have a \"claim\" or \"text\". One JSON object for each claim: verdict (SUPPORTED, REFUTED, "
    "INSUFFICIENT), confidence, evidence with nli_label and\n"
    "nli_confidence, and the times of the stages. Claim and verdict are kept in the store.";

constexpr char kDefaultEntailmentModel[] = "nli-deberta-v3-base";

struct VerifyVerbOptions {
  ModelOptions model;  // entailment
  std::string embedder = kDefaultModel;
  StoreOptions store;
  InputOptions input;
  std::string mode = "hybrid";
  std::string strategy = "weighted_vote";
  size_t max_evidence = 10;
  double min_similarity = 0.3;
  double min_confidence = 0.5;
  std::optional<double> threshold;
  double deadline_seconds = 600;
  std::string format = "jsonl";
};

void declare(CLI::App& verb, VerifyVerbOptions* options) {
  options->model.model = kDefaultEntailmentModel;
  add_input_options(verb, &options->input);
  add_store_options(verb, &options->store);
  add_model_option(verb, &options->model);
  verb.add_option("--embedder", options->embedder,
                  "Model that finds evidence by meaning: the one that filled the store")
      ->capture_default_str();
  verb.add_option("--mode", options->mode, "How evidence is found: vector, keyword (needs no embedder) or hybrid")
      ->check(CLI::IsMember({"vector", "keyword", "hybrid"}))
      ->capture_default_str();
  verb.add_option("--strategy", options->strategy, "How many answers become one verdict")
      ->check(CLI::IsMember(
          {"weighted_vote", "majority_vote", "confidence_threshold", "strict_consensus", "mean_confidence"}))
      ->capture_default_str();
  verb.add_option("--max-evidence", options->max_evidence, "Pieces of evidence that are judged")
      ->check(CLI::Range(size_t{1}, kMaxVerifyEvidence))
      ->capture_default_str();
  verb.add_option("--min-similarity", options->min_similarity,
                  "Leave out evidence with a smaller cosine (not in keyword mode)")
      ->check(number_between(-1, 1))
      ->capture_default_str();
  verb.add_option("--min-confidence", options->min_confidence, "Leave out less certain answers of the model")
      ->check(number_between(0, 1))
      ->capture_default_str();
  verb.add_option("--threshold", options->threshold, "A verdict less certain than this becomes INSUFFICIENT")
      ->check(number_between(0, 1));
  verb.add_option("--deadline", options->deadline_seconds, "Seconds after which to give up")
      ->check(number_between(0.001, 86400))
      ->capture_default_str();
  verb.add_option("--format", options->format, "jsonl, or text for people")
      ->check(CLI::IsMember({"jsonl", "text"}))
      ->capture_default_str();
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

Result<VerifyRequest> request_of(const VerifyVerbOptions& options) {
  VerifyRequest request;
  request.tenant = options.store.tenant;
  ASSIGN_OR_RETURN(request.mode, parse_search_mode(options.mode));
  ASSIGN_OR_RETURN(request.aggregation.strategy, parse_aggregation_strategy(options.strategy));
  request.aggregation.min_confidence = options.min_confidence;
  request.max_evidence = options.max_evidence;
  request.min_similarity = options.min_similarity;
  request.confidence_threshold = options.threshold;
  return request;
}

std::string text_of(const VerifyAnswer& answer) {
  const AggregatedVerdict& verdict = answer.judgement->verdict;
  std::string text =
      fmt::format("{}  {:.3f}\n{}\n", verdict_name(verdict.verdict), verdict.confidence, verdict.explanation);
  for (const JudgedEvidence& judged : answer.judgement->evidence) {
    text += fmt::format("  {:13}  {:.3f}  {}\n", nli_label_name(judged.label), judged.confidence,
                        judged.hit.evidence.content);
    if (!judged.hit.evidence.source_url.empty()) {
      text += fmt::format("                        {}\n", judged.hit.evidence.source_url);
    }
  }
  if (!answer.not_stored_because.empty()) text += fmt::format("not stored: {}\n", answer.not_stored_because);
  for (const ClaimCode code : answer.warnings) {
    text += fmt::format("{}: {}\n", claim_code_name(code), claim_code_advice(code));
  }
  return text;
}

Result<void> write_answer(const VerifyAnswer& answer, const VerifyVerbOptions& options, OutputFile* output) {
  if (options.format == "text") {
    RETURN_IF_ERROR(output->write(text_of(answer)));
  } else {
    JsonWriter json;
    write_verify_answer(answer, &json);
    RETURN_IF_ERROR(output->write(json.take() + "\n"));
  }
  return output->flush();
}

Result<std::unique_ptr<Engine>> load_embedder(const VerifyVerbOptions& options, SearchMode mode) {
  if (mode == SearchMode::kKeyword) return nullptr;
  ModelOptions embedder = options.model;
  embedder.model = options.embedder;
  return load_engine(embedder);
}

Result<void> run_verify(const VerifyVerbOptions& options) {
  const InputFields fields{.first = "claim", .other_names = {"text"}};
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input, fields));
  ASSIGN_OR_RETURN(VerifyRequest request, request_of(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<EvidenceStore> store, open_existing_store(options.store));
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> embedder, load_embedder(options, request.mode));
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> entailment, load_engine(options.model));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  ClaimStats stats;
  ClaimVerifier verifier(*store, nullptr, stats);
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<InputText> inputs, source.next(1, SIZE_MAX));
    if (inputs.empty()) return {};
    const InputText& claim = inputs.front();
    if (!claim.problem.empty()) return error(StatusCode::kInvalidArgument, claim.problem);
    request.claim = claim.text;
    request.patience.deadline = std::chrono::steady_clock::now() +
                                std::chrono::milliseconds(static_cast<int64_t>(options.deadline_seconds * 1000));
    const auto answer = verifier.verify({.embedder = embedder.get(), .entailment = entailment.get()}, request);
    if (!answer) return std::unexpected(answer.error().with_context(source.place_of(claim.index)));
    RETURN_IF_ERROR(write_answer(*answer, options, &output));
  }
}

}  // namespace

void add_verify_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("verify", "What the evidence of a store says about a claim");
  auto options = std::make_shared<VerifyVerbOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] { *action = [options] { return run_verify(*options); }; });
}

}  // namespace vivace
