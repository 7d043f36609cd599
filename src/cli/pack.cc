// `vivace pack`: a model's weights as this machine computes with them, in one file that is mapped instead of converted.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "cli/model_options.h"
#include "cli/number_checks.h"
#include "cli/text_file.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"
#include "engine/model_packing.h"

namespace vivace {
namespace {

constexpr size_t kMostTexts = 1000;  // more tell nothing new
constexpr char kExamples[] =
    "Without --output the file stands beside the checkpoint, where every verb finds it by itself. A file made "
    "elsewhere\n"
    "is a model of its own: --model FILE.\n"
    "Examples:\n"
    "  vivace pack all-MiniLM-L6-v2 --precision int8\n"
    "  vivace pack all-MiniLM-L6-v2 --precision int8 --calibrate passages.jsonl\n"
    "  vivace pack models/ranker --precision bf16 --output ranker.packed --file queries.txt --check 0.9999";

struct PackVerbOptions {
  ModelOptions model;
  std::string output;
  std::string file;
  std::string calibrate;
  double check = 0;
  bool json = false;
};

// Blank lines are none.
Result<std::vector<std::string>> first_texts(const std::string& file) {
  ASSIGN_OR_RETURN(std::vector<std::string> texts, read_texts(file, EmptyText::kTake, kMostTexts));
  std::erase(texts, "");
  if (!texts.empty()) return texts;
  return error(StatusCode::kInvalidArgument, "'" + file + "' holds no text");
}

std::string to_json(const PackReport& report) {
  JsonWriter json;
  json.begin_object()
      .key("path")
      .value(report.path)
      .key("is_written")
      .value(report.is_written)
      .key("isa")
      .value(report.table);
  json.key("precision").value(precision_name(report.precision));
  json.key("file_bytes").value(static_cast<uint64_t>(report.file_bytes));
  json.key("checkpoint_bytes").value(static_cast<uint64_t>(report.checkpoint_bytes));
  json.key("load_ms").value(report.load_ms).key("checkpoint_load_ms").value(report.checkpoint_load_ms);
  json.key("texts").value(report.texts).key("calibration_texts").value(report.calibration_texts);
  json.key("calibrated_layers").value(report.calibrated_layers);
  json.key("mean_cosine").value(report.overall.mean).key("lowest_cosine").value(report.overall.lowest);
  json.key("label_agreement");
  if (report.label_agreement) {
    json.value(*report.label_agreement);
  } else {
    json.null();
  }
  json.key("layers").begin_array();
  for (const Closeness& layer : report.layers) {
    json.begin_object().key("mean_cosine").value(layer.mean).key("lowest_cosine").value(layer.lowest).end_object();
  }
  json.end_array().key("kept_in_bf16").begin_array();
  for (const auto& kept : report.kept_in_bf16) {
    json.begin_object().key("layer").value(kept.layer).key("loss_alone").value(kept.loss).end_object();
  }
  json.end_array().key("outliers").begin_object();
  for (const auto& [layer, inputs] : report.outliers) {
    json.key(layer).begin_array();
    for (const int32_t input : inputs) json.value(input);
    json.end_array();
  }
  return json.end_object().end_object().take() + "\n";
}

std::string to_text(const PackReport& report) {
  std::string text =
      !report.is_written
          ? fmt::format("{} in {} for {}: not written\n", report.path, precision_name(report.precision), report.table)
          : fmt::format(
                "{}: {:.1f} MB in {} for {} (the checkpoint has {:.1f} MB)\n"
                "loads in {:.1f} ms, the checkpoint in {:.1f} ms\n",
                report.path, static_cast<double>(report.file_bytes) / 1e6, precision_name(report.precision),
                report.table, static_cast<double>(report.checkpoint_bytes) / 1e6, report.load_ms,
                report.checkpoint_load_ms);
  if (report.calibration_texts > 0) {
    text += fmt::format("{} layers rounded for {} texts\n", report.calibrated_layers, report.calibration_texts);
  }
  text += fmt::format("{} texts against fp32: cosine {:.6f} on average, {:.6f} at least", report.texts,
                      report.overall.mean, report.overall.lowest);
  if (report.label_agreement) text += fmt::format("; same label for {:.1f} %", *report.label_agreement * 100);
  text += "\n";
  for (size_t i = 0; i < report.layers.size(); ++i) {
    text += fmt::format("  {:<12} {:.6f} on average, {:.6f} at least\n",
                        i == 0 ? std::string("embeddings") : fmt::format("layer {}", i), report.layers[i].mean,
                        report.layers[i].lowest);
  }
  for (const auto& [layer, inputs] : report.outliers) {
    text += fmt::format("{}: inputs {} in fp32\n", layer, fmt::join(inputs, ", "));
  }
  for (const auto& kept : report.kept_in_bf16) {
    text += fmt::format("kept in bf16: {}, which alone in int8 costs {:.6f} of cosine\n", kept.layer, kept.loss);
  }
  return text;
}

Result<void> run_pack(const PackVerbOptions& options) {
  PackOptions pack{.directory = {},
                   .isa = options.model.isa,
                   .precision = Precision::kAuto,
                   .output = options.output,
                   .texts = {},
                   .calibration = {},
                   .threads = options.model.threads,
                   .least = options.check};
  ASSIGN_OR_RETURN(pack.precision, parse_precision(options.model.precision));
  ASSIGN_OR_RETURN(pack.directory, model_directory(options.model));
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(pack.texts, first_texts(options.file));
  }
  if (!options.calibrate.empty()) {
    ASSIGN_OR_RETURN(pack.calibration, first_texts(options.calibrate));
  }
  ASSIGN_OR_RETURN(const PackReport report, pack_model(pack));
  const std::string text = options.json ? to_json(report) : to_text(report);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return error(StatusCode::kInternal, "cannot write to standard output");
  }
  if (report.is_written) return {};
  return error(StatusCode::kInternal,
               fmt::format("--check: {:.6f} is below {:.6f}; nothing was written: keep the model in a higher precision",
                           report.worst(), options.check));
}

}  // namespace

void add_pack_verb(CLI::App& program, Action* action) {
  CLI::App* verb =
      program.add_subcommand("pack", "Prepack a model for this machine, or quantise it, and say what that costs");
  auto options = std::make_shared<PackVerbOptions>();
  verb->add_option("model,--model", options->model.model, "Model folder or name")->capture_default_str();
  add_compute_options(*verb, &options->model);
  verb->add_option("--output", options->output, "File to write (default: beside the checkpoint)");
  verb->add_option("--file", options->file,
                   "Texts to judge the precision on, the first 1000: one a line, or .jsonl (default: some of our own)");
  verb->add_option("--calibrate", options->calibrate,
                   "Texts like those to come, the first 1000: round int8 weights for what layers read of them");
  verb->add_option("--check", options->check,
                   "Fail (exit code 1) and write nothing when the mean cosine to fp32, or the share of equal labels, "
                   "is below this")
      ->check(number_between(0, 1));
  verb->add_flag("--json", options->json, "The report as one JSON object");
  verb->footer(kExamples);
  verb->callback([options, action] {
    check_not_the_input("--output", options->file, options->output);
    check_not_the_input("--output", options->calibrate, options->output);
    *action = [options] { return run_pack(*options); };
  });
}

}  // namespace vivace
