#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "models/encoder_decoder.h"
#include "models/t5.h"

namespace vivace {
namespace {

using Loader = Result<std::unique_ptr<const EncoderDecoder>> (*)(const ModelDirectory&, const LoadTarget&);

// model_type of config.json → loader, one a line.
constexpr std::pair<std::string_view, Loader> kArchitectures[] = {
    {"t5", load_t5},
};

}  // namespace

bool writes_text(const ModelDirectory& directory) {
  if (directory.sentence_embedding().has_value()) return false;
  const auto architectures = directory.config().find("architectures");
  if (architectures.has_value() && architectures->to_text().contains("EncoderModel")) return false;
  return std::ranges::any_of(kArchitectures, [&](const auto& known) { return known.first == directory.model_type(); });
}

Result<std::unique_ptr<const EncoderDecoder>> load_encoder_decoder(const ModelDirectory& directory,
                                                                   const LoadTarget& target) {
  std::string known;
  for (const auto& [name, load] : kArchitectures) {
    if (name == directory.model_type()) return load(directory, target);
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return error(StatusCode::kUnsupported, directory.path() + "/config.json: model_type '" +
                                             printable(directory.model_type()) +
                                             "' does not write text; known: " + known);
}

}  // namespace vivace
