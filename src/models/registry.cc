#include <utility>

#include "base/utf8.h"
#include "models/bert.h"
#include "models/deberta_v2.h"
#include "models/distilbert.h"
#include "models/encoder.h"
#include "models/modernbert.h"
#include "models/mpnet.h"
#include "models/roberta.h"
#include "models/t5_encoder.h"

namespace vivace {
namespace {

using Loader = Result<std::unique_ptr<const Encoder>> (*)(const ModelDirectory&, const LoadTarget&);

// model_type of config.json → loader, one a line.
constexpr std::pair<std::string_view, Loader> kArchitectures[] = {
    {"bert", load_bert},
    {"distilbert", load_distilbert},
    {"roberta", load_roberta},
    {"xlm-roberta", load_roberta},
    {"camembert", load_roberta},
    {"mpnet", load_mpnet},
    {"deberta-v2", load_deberta_v2},
    {"modernbert", load_modernbert},
    {"t5", load_t5_encoder},
};

}  // namespace

Result<std::unique_ptr<const Encoder>> load_encoder(const ModelDirectory& directory, const LoadTarget& target) {
  std::string known;
  for (const auto& [name, load] : kArchitectures) {
    if (name == directory.model_type()) return load(directory, target);
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return error(StatusCode::kUnsupported, directory.path() + "/config.json: model_type '" +
                                             printable(directory.model_type()) + "' is not supported; known: " + known);
}

}  // namespace vivace
