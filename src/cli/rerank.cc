// `vivace rerank`: documents by how well they answer a query.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/text_source.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace rerank --model ms-marco --query 'how tall is Everest' 'It rains.' 'Everest has 8849 m.'\n"
    "  vivace rerank --model ms-marco --query 'how tall is Everest' --file passages.jsonl --top-k 10\n\n"
    "One line of output for each document, best first: {\"index\":3,\"score\":0.98}; the index is that of the input. "
    "The\n"
    "score is the model's own (--activation none: its logit).";

constexpr size_t kChunkTexts = 1024;
constexpr size_t kChunkBytes = size_t{1} << 20;
// All documents are ranked together, so all are held at once.
constexpr size_t kMaxDocuments = 1'000'000;

struct RerankOptions {
  ModelOptions model;
  InputOptions input;
  std::string query;
  std::string activation;
  size_t top_k = 0;
  bool refuse_long = false;
};

Result<std::vector<std::string>> read_documents(const InputOptions& input) {
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(input));
  std::vector<std::string> documents;
  while (true) {
    ASSIGN_OR_RETURN(std::vector<InputText> inputs, source.next(kChunkTexts, kChunkBytes));
    if (inputs.empty()) return documents;
    for (InputText& text : inputs) {
      if (!text.problem.empty()) return error(StatusCode::kInvalidArgument, text.problem);
      documents.push_back(std::move(text.text));
    }
    if (documents.size() > kMaxDocuments) {
      return error(StatusCode::kTooLarge,
                   fmt::format("there are more than {} documents; rank them in parts", kMaxDocuments));
    }
  }
}

void check_query(const std::string& query) {
  if (query.empty()) throw_usage_error("--query is empty");
  const size_t byte = find_invalid_utf8(query);
  if (byte != kValidUtf8) throw_usage_error(fmt::format("--query is not valid UTF-8 (byte {})", byte + 1));
}

Result<void> run_rerank(const RerankOptions& options) {
  check_query(options.query);
  RankRequest request;
  ASSIGN_OR_RETURN(request.documents, read_documents(options.input));
  request.query = options.query;
  request.top_k = options.top_k;
  if (options.refuse_long) request.too_long = TooLong::kRefuse;
  if (options.activation == "sigmoid") request.activation = ScoreActivation::kSigmoid;
  if (options.activation == "none") request.activation = ScoreActivation::kNone;
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, load_engine(options.model));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  const size_t documents = request.documents.size();
  ASSIGN_OR_RETURN(const RankResponse response, engine->run(std::move(request)));
  size_t truncated = 0;
  for (const RankedDocument& document : response.ranking) {
    JsonWriter json;
    json.begin_object().key("index").value(static_cast<uint64_t>(document.index)).key("score").value(document.score);
    if (document.truncated) json.key("truncated").value(true);
    truncated += document.truncated ? 1 : 0;
    RETURN_IF_ERROR(output.write(json.end_object().take() + "\n"));
  }
  RETURN_IF_ERROR(output.flush());
  if (truncated > 0) {
    fmt::print(stderr,
               "vivace: {} of {} documents were longer with the query than the model's {} tokens and were cut\n",
               truncated, documents, engine->info().max_tokens);
  }
  return {};
}

}  // namespace

void add_rerank_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("rerank", "Documents by how well they answer a query");
  auto options = std::make_shared<RerankOptions>();
  verb->add_option("--query", options->query, "What the documents should answer")->required();
  add_input_options(*verb, &options->input);
  add_model_option(*verb, &options->model);
  verb->add_option("--top-k", options->top_k, "The best N documents only")->check(CLI::Range(1, 1'000'000));
  verb->add_option("--activation", options->activation, "sigmoid, or none: the logit (default: the model's)")
      ->check(CLI::IsMember({"sigmoid", "none"}));
  verb->add_flag("--no-truncation", options->refuse_long,
                 "Refuse documents longer than the model takes instead of cutting them");
  add_compute_options(*verb, &options->model);
  verb->footer(kExamples);
  verb->callback([options, action] { *action = [options] { return run_rerank(*options); }; });
}

}  // namespace vivace
