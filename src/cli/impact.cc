// `vivace impact`: the impact of messages, one analysis a line.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/impact/impact_json.h"
#include "apps/impact/impact_scorer.h"
#include "cli/impact_evaluate.h"
#include "cli/impact_options.h"
#include "cli/number_checks.h"
#include "cli/output_file.h"
#include "cli/text_source.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace impact --file messages.jsonl > scores.jsonl\n"
    "  vivace impact 'wire the funds to an unknown account'\n"
    "  echo '{\"content\":\"wire the funds to an unknown account\",\"priority\":\"high\"}' | vivace impact\n"
    "  vivace impact --no-model --file messages.jsonl\n"
    "  vivace impact validate --dataset examples/impact/messages.jsonl\n"
    "  vivace impact calibrate --dataset examples/impact/messages.jsonl --model my-model\n\n"
    "An argument is a message's content. A line holds a message, or {\"message\":{…},\"context\":{…}|null}. A message "
    "has content, payload, priority,\n"
    "message_type, from_agent, tools and constitutional_hash, all optional; docs/impact.md says what each counts.\n"
    "One line of output for each: {\"index\":0,\"score\":0.27,\"factors\":{…},…}. Agents are remembered over the "
    "lines.";

struct ImpactOptions {
  ImpactModelOptions model;
  InputOptions input;
  bool no_model = false;
  bool require_model = false;
  std::string on_error = "stop";
  ScoringConfig config;
};

void declare(CLI::App& verb, ImpactOptions* options) {
  auto* texts = add_text_arguments(verb, &options->input);
  verb.add_option("--file", options->input.file, "Read messages from this file, - is standard input")
      ->excludes(texts)
      ->capture_default_str();
  verb.add_option("--input-format", options->input.format, "jsonl: a message object a line, as is read without it")
      ->check(CLI::IsMember({"jsonl"}))
      ->excludes(texts);
  auto* no_model = verb.add_flag("--no-model", options->no_model, "Keywords only; loads no model");
  verb.add_flag("--require-model", options->require_model,
                "Fail when the model cannot be used, instead of scoring by keywords and saying \"degraded\"")
      ->excludes(no_model);
  verb.add_option("--volume-window", options->config.volume_window_seconds,
                  "Seconds that an agent's messages count, 0 for ever")
      ->check(number_between(0, 1e9))
      ->capture_default_str();
  verb.add_option("--max-agents", options->config.max_agents, "Agents remembered")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  verb.add_option("--constitutional-hash", options->config.constitutional_hash,
                  "Refuse messages that carry another; empty: accept all")
      ->capture_default_str();
  verb.add_option("--on-error", options->on_error,
                  "For a line that cannot be scored: stop, or skip with a line {\"index\",\"error\"}")
      ->check(CLI::IsMember({"stop", "skip"}))
      ->capture_default_str();
  add_impact_model_options(verb, &options->model);
  verb.footer(kExamples);
}

// A model that cannot be used stays in the chain as a backend that fails, so that every analysis says "degraded".
Result<std::vector<SemanticBackend>> make_chain(const ImpactOptions& options) {
  if (options.no_model) return std::vector<SemanticBackend>();
  auto chain = load_semantic_chain(options.model);
  if (chain || options.require_model) return chain;
  fmt::print(stderr, "vivace: {}; scoring by keywords alone (--no-model does so without trying)\n",
             chain.error().message);
  return std::vector{failing_backend(chain.error())};
}

class ImpactStream {
 public:
  ImpactStream(ImpactScorer& scorer, OutputFile& output, const ImpactOptions& options)
      : m_scorer(scorer), m_output(output), m_options(options) {}

  Result<void> handle(const std::vector<JsonLine>& lines) {
    std::vector<Result<ScoreRequest>> requests;
    std::vector<ScoreRequest> readable;
    for (const JsonLine& line : lines) {
      requests.push_back(read(line));
      if (requests.back()) readable.push_back(*requests.back());
    }
    auto batch = m_scorer.score_batch(readable);
    size_t next = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
      Result<ImpactAnalysis> analysis = std::unexpected(Status());
      if (!requests[i]) {
        analysis = std::unexpected(requests[i].error());
      } else if (batch) {
        analysis = std::move((*batch)[next++]);
      } else {
        // One message refused the batch before any was scored; alone, each gets its own answer.
        analysis = m_scorer.score(*requests[i]);
        if (!analysis) analysis = std::unexpected(analysis.error().with_context(lines[i].place));
      }
      RETURN_IF_ERROR(write(lines[i], analysis));
    }
    return m_output.flush();
  }

  uint64_t problems() const { return m_problems; }

 private:
  Result<ScoreRequest> read(const JsonLine& line) const {
    ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(line.text, line.place));
    return read_score_request(document.root(), m_options.config.text_fields);
  }

  Result<void> write(const JsonLine& line, const Result<ImpactAnalysis>& analysis) {
    JsonWriter json;
    json.begin_object().key("index").value(line.index);
    if (analysis) {
      write_analysis(*analysis, &json);
    } else {
      if (m_options.on_error == "stop") {
        RETURN_IF_ERROR(m_output.flush());
        return std::unexpected(analysis.error());
      }
      ++m_problems;
      json.key("error").value(analysis.error().message);
    }
    return m_output.write(json.end_object().take() + "\n");
  }

  ImpactScorer& m_scorer;
  OutputFile& m_output;
  const ImpactOptions& m_options;
  uint64_t m_problems = 0;
};

// Texts of the command line as messages that have nothing but content.
Result<std::vector<JsonLine>> messages_of(const InputOptions& input) {
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(input));
  ASSIGN_OR_RETURN(const std::vector<InputText> texts, source.next(SIZE_MAX, SIZE_MAX));
  std::vector<JsonLine> messages;
  for (const InputText& text : texts) {
    if (!text.problem.empty()) return error(StatusCode::kInvalidArgument, text.problem);
    JsonWriter json;
    json.begin_object().key("content").value(text.text).end_object();
    messages.push_back({.index = text.index, .place = source.place_of(text.index), .text = json.take()});
  }
  return messages;
}

Result<void> run_impact(ImpactOptions options) {
  constexpr size_t kChunk = 256;
  options.config.text_fields = options.model.text_fields;
  ASSIGN_OR_RETURN(std::vector<SemanticBackend> chain, make_chain(options));
  ASSIGN_OR_RETURN(const auto scorer, ImpactScorer::make(options.config, std::move(chain)));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  ImpactStream stream(*scorer, output, options);
  const auto handle = [&stream](const std::vector<JsonLine>& lines) { return stream.handle(lines); };
  if (options.input.texts.empty()) {
    RETURN_IF_ERROR(for_each_lines(options.input.file, kChunk, handle));
  } else {
    ASSIGN_OR_RETURN(const std::vector<JsonLine> messages, messages_of(options.input));
    RETURN_IF_ERROR(handle(messages));
  }
  if (stream.problems() > 0) fmt::print(stderr, "vivace: {} lines could not be scored\n", stream.problems());
  return {};
}

}  // namespace

void add_impact_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("impact", "Messages to impact scores, with the reasons");
  auto options = std::make_shared<ImpactOptions>();
  declare(*verb, options.get());
  add_impact_evaluation_verbs(*verb, action);
  verb->require_subcommand(0, 1);
  verb->callback([verb, options, action] {
    if (!verb->get_subcommands().empty()) return;  // validate or calibrate has set the action
    *action = [options] { return run_impact(*options); };
  });
}

}  // namespace vivace
