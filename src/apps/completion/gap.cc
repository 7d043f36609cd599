#include "apps/completion/gap.h"

#include <string>

namespace vivace {
namespace {

constexpr std::string_view kNextGap = "<extra_id_1>";  // what a model writes behind the text of the first gap

}  // namespace

Result<void> ask_for_gap(const Generator& generator, std::string_view suffix, GenerateRequest* request) {
  if (!generator.info().knows_sentinel) {
    return error(StatusCode::kUnsupported, "the model was not trained to fill gaps (its tokenizer has no " +
                                               std::string(kGapSentinel) + "); send no suffix");
  }
  request->text += kGapSentinel;
  request->text += suffix;
  request->stop_id = generator.tokenizer().token_id(kNextGap);
  return {};
}

}  // namespace vivace
