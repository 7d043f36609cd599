// What `vivace impact` and its `validate` and `calibrate` share: which model, which gates, and how lines are read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/impact/scoring_config.h"
#include "apps/impact/semantic_model.h"
#include "base/json.h"
#include "base/status.h"
#include "cli/model_options.h"

namespace CLI {
class App;
}

namespace vivace {

struct ImpactModelOptions {
  ModelOptions model;
  std::string sha256;  // of the weights, see check_weights_sha256(); empty: not checked
  std::optional<double> gate_without_keywords;
  std::optional<double> gate_with_keywords;
  std::vector<std::string> text_fields;
};
void add_impact_model_options(CLI::App& verb, ImpactModelOptions* options);

// Finds, checks and loads the model: the last backend. Before it stands the one that its weights should have been,
// where an ONNX file takes their place. The gates are those given, else those known for the model, else the widest
// known pair with a remark on standard error. kCorruptFile when the SHA-256 differs.
Result<std::vector<SemanticBackend>> load_semantic_chain(const ImpactModelOptions& options);

// One that answers nothing, and says why: a chain that begins with it marks its analyses as degraded.
SemanticBackend failing_backend(Status why);

// One JSON object a line, from a file or, for "-", from standard input.
struct JsonLine {
  uint64_t index = 0;  // from 0
  std::string place;   // "messages.jsonl line 3": how a message about it starts
  std::string text;
};
// Calls handle with up to max_lines lines at a time, fewer when the input would have to be waited for.
Result<void> for_each_lines(const std::string& file, size_t max_lines,
                            const std::function<Result<void>(const std::vector<JsonLine>&)>& handle);

}  // namespace vivace
