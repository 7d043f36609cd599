// `vivace profile`: where the time and memory of models go on this machine, and what to do about it.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/model_options.h"
#include "cli/number_checks.h"
#include "cli/output_file.h"
#include "cli/profile_report.h"
#include "cli/text_file.h"
#include "cli/usage_error.h"
#include "cli/verbs.h"
#include "engine/sample_texts.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace profile\n"
    "  vivace profile models/e5 models/ranker --file questions.txt --report profile.html\n"
    "  vivace profile --precision int8 --samples 1000 --json > profile.json\n\n"
    "Each model is asked for what it was made for: vectors, labels, tags or fills. Inference is the engine's time for\n"
    "a text's tokens. What bounds a model is decided on the mean of whole calls: io_bound below 1 ms; memory_bound "
    "when\n"
    "reading the weights alone takes 60 % of the time; compute_bound above 50 % CPU; io_bound below 20 %. A GPU is "
    "worth\n"
    "a look for compute_bound ones only.";

struct ProfileVerbOptions {
  ModelOptions model;
  std::vector<std::string> models;
  std::string file;
  int samples = 200;
  int concurrency = 4;
  double batch_seconds = 0.5;
  std::string report;
  bool json = false;
};

Result<void> write_report(const std::string& path, std::span<const ModelProfile> profiles) {
  ASSIGN_OR_RETURN(OutputFile file, OutputFile::open(path, OutputFile::Existing::kOverwrite));
  RETURN_IF_ERROR(file.write(profile_html(profiles)));
  RETURN_IF_ERROR(file.flush());
  fmt::print(stderr, "vivace: wrote {}\n", path);
  return {};
}

Result<void> run(const ProfileVerbOptions& options) {
  ProfileOptions profile{.directory = "",
                         .engine = {},
                         .texts = sample_texts(),
                         .samples = options.samples,
                         .concurrency = options.concurrency,
                         .batch_seconds = options.batch_seconds};
  ASSIGN_OR_RETURN(profile.engine, engine_options_of(options.model));
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(profile.texts, read_texts(options.file));
  }
  std::vector<ModelProfile> profiles;
  for (const std::string& name : options.models.empty() ? std::vector{options.model.model} : options.models) {
    ModelOptions model = options.model;
    model.model = name;
    ASSIGN_OR_RETURN(profile.directory, model_directory(model));
    ASSIGN_OR_RETURN(ModelProfile one, profile_model(profile));
    profiles.push_back(std::move(one));
  }
  if (!options.report.empty()) RETURN_IF_ERROR(write_report(options.report, profiles));
  ASSIGN_OR_RETURN(OutputFile output, OutputFile::open("-", OutputFile::Existing::kOverwrite));
  RETURN_IF_ERROR(output.write(options.json ? profile_json(profiles) : profile_text(profiles)));
  return output.flush();
}

}  // namespace

void add_profile_verb(CLI::App& program, Action* action) {
  constexpr int kMostSamples = 1000000;
  constexpr int kMostCallers = 256;
  CLI::App* verb = program.add_subcommand("profile", "Say where the time of models goes here, and what to do about it");
  auto options = std::make_shared<ProfileVerbOptions>();
  auto* models = verb->add_option("models", options->models, "Model folders or names (default: --model)");
  add_model_option(*verb, &options->model);
  models->excludes("--model");
  verb->add_option("--file", options->file, "Texts to ask with, one a line or JSON lines (default: some of our own)");
  verb->add_option("-n,--samples", options->samples, "Calls of each stage")
      ->check(CLI::Range(1, kMostSamples))
      ->capture_default_str();
  verb->add_option("-c,--concurrency", options->concurrency, "Callers at a time, for the throughput")
      ->check(CLI::Range(1, kMostCallers))
      ->capture_default_str();
  verb->add_option("--batch-seconds", options->batch_seconds, "How long to time each batch size")
      ->check(number_between(0.01, 3600))
      ->capture_default_str();
  verb->add_option("--report", options->report, "Also write a page for browsers to this file");
  verb->add_flag("--json", options->json, "One JSON object instead of text");
  add_compute_options(*verb, &options->model);
  verb->footer(kExamples);
  verb->callback([options, action] {
    check_not_the_input("--report", options->file, options->report);
    *action = [options] { return run(*options); };
  });
}

}  // namespace vivace
