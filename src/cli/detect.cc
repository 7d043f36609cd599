// `vivace detect`: how likely each word of a text was written by AI.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/detection/detection_json.h"
#include "apps/detection/detection_labels.h"
#include "cli/detection_report.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/text_source.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace detect --model my-detector --file essay.txt --report essay.html\n"
    "  vivace detect --model my-detector 'Is this a sentence that a machine wrote?'\n"
    "  vivace detect --model my-detector --format text --file essay.txt\n\n"
    "One line of output for each text (each line of a file; blank lines are passed over):\n"
    "{\"index\":0,\"words\":[…],\"probabilities\":[0.9731,…],\"avg_probability\":0.71,\"classification\":"
    "\"ai_generated\",\n"
    "\"truncated_words\":0}. From 0.6 on a text is ai_generated, up to 0.4 human_written, else mixed. Texts longer "
    "than\n"
    "the model takes are read in windows; truncated_words says how many words lay past its limit.";

struct DetectOptions {
  ModelOptions model;
  InputOptions input;
  DetectorOptions detector;
  std::string report;
  std::string format = "jsonl";
  bool compat_offsets = false;
};

void declare(CLI::App& verb, DetectOptions* options) {
  options->model.model = "detector";
  add_input_options(verb, &options->input);
  add_model_option(verb, &options->model);
  verb.add_option("--report", options->report, "Write a page that shades each word by its probability");
  verb.add_option("--format", options->format, "jsonl, or text: average, classification and the text itself")
      ->check(CLI::IsMember({"jsonl", "text"}))
      ->capture_default_str();
  verb.add_flag("--compat-offsets", options->compat_offsets,
                "Count only tokens fully inside a word, and 0 past the model's limit");
  verb.add_option("--label", options->detector.label, "The model's label that means AI (default: found by its name)");
  verb.add_option("--max-batch-tokens", options->detector.max_batch_tokens, "Tokens computed in one pass")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  verb.add_option("--inference-batch-size", options->detector.max_batch_sequences, "Texts computed in one pass")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  add_compute_options(verb, &options->model);
  verb.footer(kExamples);
}

std::string answer_line(const InputText& input, const SentenceScore& score, const std::string& format) {
  if (format == "text") {
    return fmt::format("{:.4f}  {:<13}  {}\n", score.average(), classify_average(score.average()), input.text);
  }
  JsonWriter json;
  json.begin_object().key("index").value(input.index);
  write_sentence_details(input.text, score, &json);
  return json.end_object().take() + "\n";
}

struct UsableTexts {
  std::vector<InputText> texts;
  Result<void> rest;  // what is wrong with the one behind them
};

// Blank lines stand between the paragraphs of an essay; other lines without usable text are mistakes.
UsableTexts usable(std::vector<InputText> inputs) {
  UsableTexts found;
  for (InputText& input : inputs) {
    if (!input.problem.empty() && !input.problem.ends_with(" is empty")) {
      found.rest = error(StatusCode::kInvalidArgument, input.problem);
      break;
    }
    if (!input.text.empty()) found.texts.push_back(std::move(input));
  }
  return found;
}

class DetectStream {
 public:
  DetectStream(const DetectOptions& options, const Detector& detector, OutputFile& output)
      : m_options(options), m_detector(detector), m_output(output) {}

  Result<void> handle(const std::vector<InputText>& inputs) {
    DetectRequest request;
    if (m_options.compat_offsets) request.rule = OffsetRule::kCompatible;
    for (const InputText& input : inputs) request.sentences.push_back(input.text);
    ASSIGN_OR_RETURN(const DetectResponse response, m_detector.run(std::move(request)));
    for (size_t i = 0; i < inputs.size(); ++i) {
      const SentenceScore& score = response.sentences[i];
      if (score.probabilities.empty()) continue;  // nothing but blanks
      ++m_texts;
      m_truncated += score.truncated_words;
      RETURN_IF_ERROR(m_output.write(answer_line(inputs[i], score, m_options.format)));
      if (!m_options.report.empty()) m_report.add(inputs[i].text, score);
    }
    return m_output.flush();
  }

  Result<void> finish() {
    if (m_texts == 0) return error(StatusCode::kInvalidArgument, "the input has no words to look at");
    if (m_truncated > 0) {
      fmt::print(stderr, "vivace: {} words lay past the model's limit and were {}\n", m_truncated,
                 m_options.compat_offsets ? "not read" : "read in windows");
    }
    if (m_options.report.empty()) return {};
    ASSIGN_OR_RETURN(OutputFile page, OutputFile::open(m_options.report, OutputFile::Existing::kOverwrite));
    const InputOptions& input = m_options.input;
    const std::string title = !input.texts.empty() ? "text" : input.file == "-" ? "standard input" : input.file;
    RETURN_IF_ERROR(page.write(m_report.page(title, m_detector.model_version())));
    RETURN_IF_ERROR(page.flush());
    fmt::print(stderr, "vivace: wrote {}\n", m_options.report);
    return {};
  }

 private:
  const DetectOptions& m_options;
  const Detector& m_detector;
  OutputFile& m_output;
  DetectionReport m_report;
  size_t m_texts = 0;
  size_t m_truncated = 0;
};

Result<void> run_detect(const DetectOptions& options) {
  constexpr size_t kTexts = 64;
  constexpr size_t kBytes = size_t{1} << 20;
  ASSIGN_OR_RETURN(TextSource source, TextSource::open(options.input));
  ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, load_engine(options.model));
  ASSIGN_OR_RETURN(const Detector detector, Detector::make(std::move(engine), options.detector));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  DetectStream stream(options, detector, output);
  for (;;) {
    ASSIGN_OR_RETURN(std::vector<InputText> inputs, source.next(kTexts, kBytes));
    if (inputs.empty()) return stream.finish();
    const UsableTexts found = usable(std::move(inputs));
    if (!found.texts.empty()) RETURN_IF_ERROR(stream.handle(found.texts));
    RETURN_IF_ERROR(found.rest);
  }
}

}  // namespace

void add_detect_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("detect", "How likely each word was written by AI");
  auto options = std::make_shared<DetectOptions>();
  declare(*verb, options.get());
  verb->callback([options, action] {
    if (options->input.texts.empty()) check_not_the_input("--report", options->input.file, options->report);
    *action = [options] { return run_detect(*options); };
  });
}

}  // namespace vivace
