#include "cli/impact_options.h"

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/line_reader.h"
#include "cli/number_checks.h"
#include "cli/weights_checksum.h"

namespace vivace {
namespace {

SemanticGates choose_gates(const ImpactModelOptions& options, const std::string& directory) {
  const SemanticGates* known = known_gates(options.model.model);
  if (known == nullptr) known = known_gates(directory);
  SemanticGates gates = known != nullptr ? *known : SemanticGates();
  if (known == nullptr && !(options.gate_without_keywords && options.gate_with_keywords)) {
    fmt::print(stderr,
               "vivace: no gates are known for '{}', taking {} and {}; `vivace impact calibrate` finds its own\n",
               options.model.model, gates.without_keywords, gates.with_keywords);
  }
  gates.without_keywords = options.gate_without_keywords.value_or(gates.without_keywords);
  gates.with_keywords = options.gate_with_keywords.value_or(gates.with_keywords);
  return gates;
}

}  // namespace

void add_impact_model_options(CLI::App& verb, ImpactModelOptions* options) {
  add_model_option(verb, &options->model);
  verb.add_option("--model-sha256", options->sha256,
                  "Use the model only if the weights that would be loaded have this SHA-256 (shards: all in order)");
  verb.add_option("--gate-without-keywords", options->gate_without_keywords,
                  "Similarity that a text without keywords must reach (default: the model's)")
      ->check(number_between(0, 1));
  verb.add_option("--gate-with-keywords", options->gate_with_keywords, "The same for a text with keywords")
      ->check(number_between(0, 1));
  verb.add_option("--text-field", options->text_fields,
                  "Read this member of a message as text too, beside content and payload.message (several times)")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_compute_options(verb, &options->model);
}

Result<std::vector<SemanticBackend>> load_semantic_chain(const ImpactModelOptions& options) {
  ASSIGN_OR_RETURN(const std::string directory, model_directory(options.model));
  ASSIGN_OR_RETURN(const EngineOptions engine_options, engine_options_of(options.model));
  RETURN_IF_ERROR(check_weights_sha256(directory, engine_options, options.sha256));
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Engine::load(directory, engine_options));
  std::vector<SemanticBackend> chain;
  if (const std::string& fallback = engine->info().fallback; !fallback.empty()) {
    // The checksum was that of the weights.
    if (!options.sha256.empty()) return error(StatusCode::kCorruptFile, fallback);
    chain.push_back(failing_backend({StatusCode::kCorruptFile, fallback}));
  }
  chain.push_back({.name = engine->info().is_onnx ? "onnx" : "cpu",
                   .embed = embed_with(std::move(engine)),
                   .gates = choose_gates(options, directory)});
  return chain;
}

SemanticBackend failing_backend(Status why) {
  return {.name = "cpu",
          .embed = [why = std::move(why)](const std::vector<std::string>&, const RequestLimits&)
              -> Result<std::vector<EmbeddedText>> { return std::unexpected(why); },
          .gates = {}};
}

Result<void> for_each_lines(const std::string& file, size_t max_lines,
                            const std::function<Result<void>(const std::vector<JsonLine>&)>& handle) {
  constexpr size_t kMaxBytes = size_t{1} << 20;
  ASSIGN_OR_RETURN(LineReader reader, LineReader::open(file));
  const std::string name = file == "-" ? "standard input" : file;
  std::vector<JsonLine> lines;
  uint64_t index = 0;
  size_t bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string_view> line, reader.next());
    const bool is_blank = line && is_blank_line(*line);
    if (is_blank && !reader.would_wait()) continue;
    if (line && !is_blank) {
      lines.push_back({.index = index++,
                       .place = fmt::format("{} line {}", name, reader.line_number()),
                       .text = std::string(*line)});
      bytes += line->size();
      if (lines.size() < max_lines && bytes < kMaxBytes && !reader.would_wait()) continue;
    }
    if (!lines.empty()) RETURN_IF_ERROR(handle(lines));
    if (!line) return {};
    lines.clear();
    bytes = 0;
  }
}

}  // namespace vivace
