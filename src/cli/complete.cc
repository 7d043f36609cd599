// `vivace complete`: the text that a model writes for each text.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "apps/completion/gap.h"
#include "apps/completion/prompt.h"
#include "base/json_writer.h"
#include "cli/model_options.h"
#include "cli/number_checks.h"
#include "cli/output_file.h"
#include "cli/text_source.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"
#include "engine/generator.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace complete --model models/codet5p-220m 'def add(a, b):<extra_id_0>'\n"
    "  vivace complete --model models/t5-base --num-beams 4 'translate English to German: Good morning.'\n"
    "  vivace complete --model models/t5-base --temperature 0.8 --top-p 0.95 --seed 1 --file prompts.jsonl --format "
    "jsonl\n"
    "  echo 'x = ' | vivace complete --model models/codet5p-220m --max-new-tokens 16 --stop '\\n'\n\n"
    "JSON lines have \"text\", \"code\" or \"prompt\", and perhaps a \"suffix\". With --format jsonl one object for "
    "each\n"
    "sequence:\n"
    "{\"index\":0,\"text\":\"…\",\"tokens\":9,\"token_ids\":[…],\"finish_reason\":\"stop\",\"latency_ms\":12.5,…}.";

struct CompleteOptions {
  ModelOptions model;
  InputOptions input;
  GenerationOptions generation;
  int max_new_tokens = 0;  // 0: not given
  std::string early_stopping = "false";
  std::vector<std::string> stop;
  PromptStrategy strategy = PromptStrategy::kNone;
  std::string suffix;
  bool no_speculation = false;
  bool refuse_long = false;
  std::string format = "text";
  int deadline_ms = 0;
};

PromptStrategy read_strategy(const std::string& name) {
  const auto strategy = parse_prompt_strategy(name);
  if (!strategy) throw CLI::ValidationError("--strategy", strategy.error().message);
  return *strategy;
}

void declare_generation(CLI::App& verb, CompleteOptions* options) {
  constexpr int kMostTokens = 1 << 24;
  GenerationOptions& generation = options->generation;
  verb.add_option("--max-new-tokens", options->max_new_tokens,
                  "Write at most this many tokens (default: 128, or what the model can)")
      ->check(CLI::Range(1, kMostTokens));
  verb.add_option("--min-new-tokens", generation.min_new_tokens, "Do not end before this many tokens")
      ->check(CLI::Range(0, kMostTokens));
  verb.add_option("--temperature", generation.temperature, "0: always the likeliest token; above: sample")
      ->check(number_between(0, 1e6))
      ->capture_default_str();
  verb.add_option("--top-k", generation.top_k, "Sample from the K likeliest tokens (0: all)")
      ->check(CLI::Range(0, kMostTokens));
  verb.add_option("--top-p", generation.top_p, "Sample from the likeliest tokens of this total probability");
  verb.add_option("--repetition-penalty", generation.repetition_penalty,
                  "Above 1: tokens written before become less likely");
  verb.add_option("--seed", generation.seed, "Of the random numbers; the same seed gives the same text")
      ->check(CLI::Range(uint64_t{0}, uint64_t{INT64_MAX}))
      ->capture_default_str();
  verb.add_option("--num-beams", generation.num_beams, "Beam search of this width")
      ->check(CLI::Range(1, kMaxBeams))
      ->capture_default_str();
  verb.add_option("--length-penalty", generation.length_penalty, "Beams: above 0 favours long texts")
      ->capture_default_str();
  verb.add_option("--early-stopping", options->early_stopping,
                  "Beams: stop with enough finished ones (as transformers)")
      ->check(CLI::IsMember({"false", "true", "never"}))
      ->capture_default_str();
  verb.add_option("--num-return-sequences", generation.num_return_sequences, "Texts for each input")
      ->check(CLI::Range(1, kMaxReturnSequences))
      ->capture_default_str();
  verb.add_option("--stop", options->stop, "End a text before this string (\\n is a new line); can be repeated")
      ->allow_extra_args(false);
  verb.add_option_function<std::string>(
      "--strategy", [options](const std::string& name) { options->strategy = read_strategy(name); },
      "What the model is told about the text: none (the text as it is; the default), task_prefix, instruction, "
      "few_shot or language_aware");
  verb.add_option("--suffix", options->suffix,
                  "What stands behind the gap that is to be filled, for models that know <extra_id_0>");
  verb.add_flag("--no-speculation", options->no_speculation,
                "Write token by token instead of guessing repetitions first; the text is the same");
}

void declare(CLI::App& verb, CompleteOptions* options) {
  add_input_options(verb, &options->input);
  add_model_option(verb, &options->model);
  declare_generation(verb, options);
  verb.add_option("--format", options->format, "text, or jsonl: one object a line")
      ->check(CLI::IsMember({"text", "jsonl"}))
      ->capture_default_str();
  verb.add_option("--deadline-ms", options->deadline_ms, "End each text after this time with what is written")
      ->check(CLI::Range(1, 86'400'000));
  verb.add_flag("--no-truncation", options->refuse_long,
                "Refuse texts longer than the model reads instead of cutting them");
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

// Shells pass "\n" as two characters.
std::string unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'n' || next == 't' || next == '\\') {
      plain += next == 'n' ? '\n' : next == 't' ? '\t' : '\\';
      ++i;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

GenerationOptions generation_options(const CompleteOptions& options, const GeneratorInfo& model) {
  GenerationOptions generation = options.generation;
  generation.max_new_tokens =
      options.max_new_tokens > 0 ? options.max_new_tokens : std::min(generation.max_new_tokens, model.max_new_tokens);
  if (options.early_stopping == "true") generation.early_stopping = EarlyStopping::kFull;
  if (options.early_stopping == "never") generation.early_stopping = EarlyStopping::kNever;
  return generation;
}

// An input's own suffix goes before that of the options.
Result<GenerateRequest> make_request(const CompleteOptions& options, const Generator& generator,
                                     const InputText& input) {
  GenerateRequest request;
  request.text = make_prompt(input.text, options.strategy);
  const std::string suffix = input.text_pair.value_or(options.suffix);
  if (!suffix.empty()) RETURN_IF_ERROR(ask_for_gap(generator, suffix, &request));
  request.options = generation_options(options, generator.info());
  for (const std::string& stop : options.stop) request.stop.push_back(unescape(stop));
  request.options.speculate = !options.no_speculation;
  if (options.refuse_long) request.too_long = TooLong::kRefuse;
  return request;
}

double rounded(double milliseconds) {
  return std::round(milliseconds * 1e3) / 1e3;
}

std::string to_json(uint64_t index, const GenerateResponse& response, const GeneratedText& text, double latency_ms) {
  JsonWriter json;
  json.begin_object().key("index").value(index).key("text").value(text.text);
  json.key("tokens").value(static_cast<uint64_t>(text.token_ids.size()));
  json.key("token_ids").values(std::span<const int32_t>(text.token_ids));
  json.key("finish_reason").value(finish_reason_name(text.finish_reason));
  json.key("source_tokens").value(response.source_tokens);
  if (response.truncated) json.key("truncated").value(true);
  json.key("latency_ms").value(rounded(latency_ms)).key("tokenize_ms").value(rounded(response.tokenize_ms));
  json.key("encode_ms").value(rounded(response.encode_ms)).key("decode_ms").value(rounded(response.decode_ms));
  json.key("detokenize_ms").value(rounded(response.detokenize_ms));
  return json.end_object().take() + "\n";
}

class Completer {
 public:
  Completer(Generator& generator, const CompleteOptions& options, OutputFile& output)
      : m_generator(generator),
        m_options(options),
        m_output(output),
        m_stream(options.format == "text" && options.generation.num_beams == 1 &&
                 options.generation.num_return_sequences == 1) {}

  Result<void> complete(const InputText& input) {
    if (!input.problem.empty()) return error(StatusCode::kInvalidArgument, input.problem);
    ASSIGN_OR_RETURN(GenerateRequest request, make_request(m_options, m_generator, input));
    const auto start = std::chrono::steady_clock::now();
    if (m_options.deadline_ms > 0) request.deadline = start + std::chrono::milliseconds(m_options.deadline_ms);
    if (m_stream) {
      // The generator's thread writes while this one waits. What goes wrong there shows below.
      request.on_text = [this](int, std::string_view piece) {
        if (m_written) m_written = write_now(piece);
      };
    }
    ASSIGN_OR_RETURN(const GenerateResponse response, m_generator.generate(std::move(request)));
    const auto elapsed = std::chrono::steady_clock::now() - start;
    RETURN_IF_ERROR(m_written);
    m_truncated += response.truncated ? 1 : 0;
    return write(input.index, response, std::chrono::duration<double, std::milli>(elapsed).count());
  }

  uint64_t truncated() const { return m_truncated; }

 private:
  Result<void> write_now(std::string_view bytes) {
    RETURN_IF_ERROR(m_output.write(bytes));
    return m_output.flush();
  }

  Result<void> write(uint64_t index, const GenerateResponse& response, double latency_ms) {
    if (m_stream) return write_now("\n");
    std::string lines;
    for (const GeneratedText& text : response.texts) {
      lines += m_options.format == "jsonl" ? to_json(index, response, text, latency_ms) : text.text + "\n";
    }
    return write_now(lines);
  }

  Generator& m_generator;
  const CompleteOptions& m_options;
  OutputFile& m_output;
  bool m_stream;
  Result<void> m_written;
  uint64_t m_truncated = 0;
};

Result<void> run_complete(const CompleteOptions& options) {
  const InputFields fields{.second = "suffix", .second_text = SecondText::kOptional, .other_names = {"code", "prompt"}};
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input, fields));
  ASSIGN_OR_RETURN(const std::unique_ptr<Generator> generator, load_generator(options.model));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  const GeneratorInfo& model = generator->info();
  check_usage(check_generation_options(generation_options(options, model), model.max_new_tokens + 1));
  Completer completer(*generator, options, output);
  while (true) {
    ASSIGN_OR_RETURN(std::vector<InputText> inputs, source.next(1, SIZE_MAX));
    if (inputs.empty()) break;
    if (const auto done = completer.complete(inputs.front()); !done) {
      const bool is_too_long = done.error().code == StatusCode::kTooLarge;
      return is_too_long ? std::unexpected(done.error().with_context(source.place_of(inputs.front().index))) : done;
    }
  }
  if (completer.truncated() > 0) {
    fmt::print(stderr, "vivace: {} texts were longer than the model's {} tokens and were cut\n", completer.truncated(),
               generator->info().model.max_tokens);
  }
  return {};
}

}  // namespace

void add_complete_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("complete", "Texts to what a model writes for them");
  auto options = std::make_shared<CompleteOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] { *action = [options] { return run_complete(*options); }; });
}

}  // namespace vivace
