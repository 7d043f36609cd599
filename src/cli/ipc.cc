// `vivace ipc`: completions for an editor, as JSON lines on standard input and output.
#include <algorithm>
#include <csignal>
#include <memory>
#include <thread>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "apps/completion/completion_service.h"
#include "base/log.h"
#include "cli/ipc_session.h"
#include "cli/line_reader.h"
#include "cli/model_options.h"
#include "cli/verbs.h"

namespace vivace {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  vivace ipc\n"
    "  echo '{\"type\":\"infer\",\"id\":1,\"code\":\"def add(a, b):\"}' | vivace ipc --model models/codet5p-220m\n"
    "  vivace ipc --model small=models/codet5p-220m --model large=models/codet5p-770m --deadline-ms 300\n\n"
    "Each line is a JSON object with \"type\" (ping, status, infer, cancel) and \"id\"; docs/completion.md has all of\n"
    "them. The end of the input ends the program once everything is answered. Of several models the code's\n"
    "complexity chooses.";

constexpr char kRole[] = "completion";  // of the configuration's models
constexpr char kUsualModel[] = "codet5p-220m";
constexpr char kNoModel[] =
    "there is no model that writes text; name one with `vivace ipc --model FOLDER` or `completion` in vivace.yaml, or "
    "fetch codet5p-220m with `vivace pull Salesforce/codet5p-220m`";

struct IpcOptions {
  ModelOptions compute;             // its model is not used
  std::vector<std::string> models;  // [NAME=]DIR
  int deadline_ms = 200;
  int64_t cache_mb = 32;
};

// "NAME=DIR", or a folder or name that is its own name.
Result<ModelSpec> find_spec(const std::string& text, const ModelPlaces& places) {
  const size_t equals = text.find('=');
  const std::string given = equals == std::string::npos ? text : text.substr(equals + 1);
  ASSIGN_OR_RETURN(const FoundModel found, find_model(given, places));
  std::string name = equals == std::string::npos ? given : text.substr(0, equals);
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  if (equals == std::string::npos) name = name.substr(name.rfind('/') + 1);
  if (name.empty()) return error(StatusCode::kInvalidArgument, "--model " + text + ": the name before = is empty");
  return ModelSpec{.name = name, .directory = found.directory};
}

// What is taken where nobody names a model: the configuration's, else the usual one. None where neither is there.
Result<std::vector<std::string>> default_models(const ModelPlaces& places) {
  const bool configured =
      std::ranges::any_of(places.configured, [](const auto& model) { return model.first == kRole; });
  if (configured) return std::vector<std::string>{kRole};
  const auto found = find_model(kUsualModel, places);
  if (found) return std::vector<std::string>{kUsualModel};
  if (found.error().code != StatusCode::kNotFound) return std::unexpected(found.error());
  return std::vector<std::string>();
}

Result<std::vector<ModelSpec>> find_specs(const IpcOptions& options) {
  ASSIGN_OR_RETURN(const ModelPlaces places, configured_model_places());
  std::vector<std::string> models = options.models;
  if (models.empty()) {
    ASSIGN_OR_RETURN(models, default_models(places));
  }
  std::vector<ModelSpec> specs;
  for (const std::string& text : models) {
    ASSIGN_OR_RETURN(ModelSpec spec, find_spec(text, places));
    ASSIGN_OR_RETURN(const ModelKind kind, model_kind_of(spec.directory));
    if (kind != ModelKind::kGenerator) {
      return error(StatusCode::kUnsupported, spec.directory + ": this model does not write text; known are: t5");
    }
    if (std::ranges::find(specs, spec.name, &ModelSpec::name) != specs.end()) {
      return error(StatusCode::kInvalidArgument,
                   "--model: the name '" + spec.name + "' is given to two models; write NAME=FOLDER");
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

Result<void> read_messages(IpcSession& session, const std::stop_token& nobody_reads) {
  ASSIGN_OR_RETURN(LineReader reader, LineReader::open("-"));
  while (true) {
    const auto line = reader.next(nobody_reads);
    if (!line && line.error().code != StatusCode::kTooLarge) return std::unexpected(line.error());
    if (!line) {
      session.refuse_line(line.error().message);
      continue;
    }
    if (!*line) return {};
    session.take(**line);
  }
}

Result<void> run_ipc(const IpcOptions& options) {
  // A reader that has gone is an error of write(), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  ASSIGN_OR_RETURN(std::vector<ModelSpec> specs, find_specs(options));
  const bool has_models = !specs.empty();
  ASSIGN_OR_RETURN(const EngineOptions engine, engine_options_of(options.compute));
  auto registry = std::make_unique<ModelRegistry>(std::move(specs), engine);
  const RegistryCompletionModels models(*registry);
  CompletionService service(models, {.deadline = std::chrono::milliseconds(options.deadline_ms),
                                     .cache_bytes = static_cast<size_t>(options.cache_mb) << 20});
  std::stop_source nobody_reads;
  LineOutput output(STDOUT_FILENO, nobody_reads);
  IpcSession session(service, models, output);
  if (!has_models) {
    log_warning("{}", kNoModel);
    session.complete_nothing(kNoModel);
  }
  registry->start([&session] { session.models_loaded(); });
  const Result<void> read = read_messages(session, nobody_reads.get_token());
  if (nobody_reads.stop_requested()) session.cancel_all();
  session.finish();
  registry->drain();
  registry.reset();  // before the session goes: a model that is still being loaded tells it when it is ready
  RETURN_IF_ERROR(read);
  return output.close();
}

}  // namespace

void add_ipc_verb(CLI::App& program, Action* action) {
  CLI::App* verb = program.add_subcommand("ipc", "Completions for an editor: JSON lines in and out");
  auto options = std::make_shared<IpcOptions>();
  verb->add_option("--model", options->models,
                   "[NAME=]FOLDER or name of a model that writes text; can be repeated. Without it the configuration's "
                   "\"completion\", else codet5p-220m")
      ->allow_extra_args(false);
  verb->add_option("--deadline-ms", options->deadline_ms, "For requests that name none (0: they have none)")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  verb->add_option("--cache-mb", options->cache_mb, "Memory for earlier answers (0: none are kept)")
      ->check(CLI::Range(0, 65536))
      ->capture_default_str();
  add_compute_options(*verb, &options->compute);
  verb->footer(kExamples);
  verb->callback([options, action] { *action = [options] { return run_ipc(*options); }; });
}

}  // namespace vivace
