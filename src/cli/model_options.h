// The options that hold for every verb with a model: which one, how precise, how many threads.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "cli/model_lookup.h"
#include "engine/engine.h"
#include "engine/generator.h"

namespace CLI {
class App;
}

namespace vivace {

struct ModelOptions {
  std::string model = kDefaultModel;
  std::string precision = "auto";
  int threads = 0;  // 0: what affinity and cgroup allow
  std::string isa;  // kernel table by name; empty: VIVACE_ISA, else the best
};

void add_model_option(CLI::App& verb, ModelOptions* options);     // --model
void add_compute_options(CLI::App& verb, ModelOptions* options);  // --precision, --threads, --isa
void add_isa_option(CLI::App& verb, std::string* isa);

// kInvalidArgument for a name that is none.
Result<Precision> parse_precision(const std::string& name);

// The places where names are looked up, those of the configuration file (./vivace.yaml, VIVACE_MODELS) included. A
// configuration that is wrong is a usage error.
Result<ModelPlaces> configured_model_places();

// The directory of options.model.
Result<std::string> model_directory(const ModelOptions& options);

// What they say about computing.
Result<EngineOptions> engine_options_of(const ModelOptions& options);

// Finds and loads the model.
Result<std::unique_ptr<Engine>> load_engine(const ModelOptions& options);

// The same for a model that writes text.
Result<std::unique_ptr<Generator>> load_generator(const ModelOptions& options);

}  // namespace vivace
