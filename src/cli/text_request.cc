#include "cli/text_request.h"

namespace vivace {
namespace {

template <typename Request>
Result<ResponseTimes> times_of(Engine& engine, Request request) {
  ASSIGN_OR_RETURN(const auto response, engine.run(std::move(request)));
  return response;
}

}  // namespace

Result<ResponseTimes> answer_texts(Engine& engine, const std::vector<std::string>& texts) {
  switch (engine.info().task) {
    case ModelTask::kEmbedding: {
      EmbedRequest request;
      request.texts = texts;
      return times_of(engine, std::move(request));
    }
    case ModelTask::kSequenceClassification: {
      ClassifyRequest request;
      for (const std::string& text : texts) request.inputs.push_back({.text = text, .pair = std::nullopt});
      return times_of(engine, std::move(request));
    }
    case ModelTask::kTokenClassification: {
      TagRequest request;
      request.texts = texts;
      return times_of(engine, std::move(request));
    }
    case ModelTask::kMaskedLanguageModel: {
      FillMaskRequest request;
      for (const std::string& text : texts) request.texts.push_back(text + " " + engine.info().mask_token);
      return times_of(engine, std::move(request));
    }
  }
  return error(StatusCode::kUnsupported, "the model's task cannot be measured");
}

}  // namespace vivace
