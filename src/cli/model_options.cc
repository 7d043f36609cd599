#include "cli/model_options.h"

#include <CLI/CLI.hpp>

#include "cli/usage_error.h"
#include "engine/kernel_choice.h"
#include "server/server_config.h"

namespace vivace {

namespace {
constexpr int kMaxThreads = 1024;
}

void add_model_option(CLI::App& verb, ModelOptions* options) {
  verb.add_option("--model", options->model, "Model folder or name")
      ->check(
          [](const std::string& name) { return name.empty() ? "is empty; give a name or a folder" : std::string(); })
      ->capture_default_str();
}

void add_compute_options(CLI::App& verb, ModelOptions* options) {
  verb.add_option(
          "--precision", options->precision,
          "auto (of a packed file beside the model, else bf16 where the CPU is faster at it than at fp32), fp32, "
          "bf16, int8 or int4 (decoder layers; the others as int8)")
      ->envname("VIVACE_PRECISION")  // as the server's configuration
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "int8", "int4"}))
      ->capture_default_str();
  verb.add_option("--threads", options->threads, "Compute threads; 0, the default, is what the container allows")
      ->envname("VIVACE_THREADS")
      ->check(CLI::Range(0, kMaxThreads));
  add_isa_option(verb, &options->isa);
}

void add_isa_option(CLI::App& verb, std::string* isa) {
  verb.add_option("--isa", *isa, "Kernel table, as `vivace inspect` lists them (default: the best)")
      ->envname("VIVACE_ISA")
      ->check([](const std::string& name) {
        const auto checked = check_kernel_table(name);
        return checked ? std::string() : checked.error().message;
      });
}

Result<Precision> parse_precision(const std::string& name) {
  if (const auto precision = find_precision(name)) return *precision;
  return error(StatusCode::kInvalidArgument, "--precision " + name + " is unknown; use auto, fp32, bf16, int8 or int4");
}

Result<ModelPlaces> configured_model_places() {
  const ServerConfig config = value_or_usage_error(load_server_config({}));
  ModelPlaces places = default_model_places();
  for (const ModelSpec& model : config.models) places.configured.emplace_back(model.name, model.directory);
  return places;
}

Result<std::string> model_directory(const ModelOptions& options) {
  ASSIGN_OR_RETURN(const ModelPlaces places, configured_model_places());
  ASSIGN_OR_RETURN(const FoundModel found, find_model(options.model, places));
  return found.directory;
}

Result<EngineOptions> engine_options_of(const ModelOptions& options) {
  EngineOptions engine_options;
  ASSIGN_OR_RETURN(engine_options.precision, parse_precision(options.precision));
  engine_options.threads = options.threads;
  engine_options.isa = options.isa;
  return engine_options;
}

Result<std::unique_ptr<Generator>> load_generator(const ModelOptions& options) {
  ASSIGN_OR_RETURN(const EngineOptions engine_options, engine_options_of(options));
  ASSIGN_OR_RETURN(const std::string directory, model_directory(options));
  return Generator::load(directory, engine_options);
}

Result<std::unique_ptr<Engine>> load_engine(const ModelOptions& options) {
  ASSIGN_OR_RETURN(const EngineOptions engine_options, engine_options_of(options));
  ASSIGN_OR_RETURN(const std::string directory, model_directory(options));
  return Engine::load(directory, engine_options);
}

}  // namespace vivace
