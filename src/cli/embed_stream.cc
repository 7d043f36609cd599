#include "cli/embed_stream.h"

#include <memory>
#include <utility>

namespace vivace {

StreamedVerb embed_verb(Engine& engine, VectorWriter& writer, EmbedRequest settings) {
  StreamedVerb verb;
  verb.submit = [&engine, &writer, settings = std::move(settings)](std::vector<InputText> texts,
                                                                   std::function<void(Result<AnswerWriter>)> done) {
    EmbedRequest request = settings;
    for (InputText& input : texts) request.texts.push_back(std::move(input.text));
    engine.submit(std::move(request), [&writer, done = std::move(done)](Result<EmbedResponse> response) {
      if (!response) return done(std::unexpected(std::move(response).error()));
      const auto shared = std::make_shared<EmbedResponse>(std::move(*response));
      done([shared, &writer](size_t item, uint64_t index) -> Result<TextEnd> {
        const TextEmbedding& embedding = shared->embeddings[item];
        RETURN_IF_ERROR(writer.write(index, embedding));
        return embedding.truncated ? TextEnd::kCut : TextEnd::kSeen;
      });
    });
  };
  verb.write_problem = [&writer](uint64_t index, std::string_view problem) {
    return writer.write_problem(index, problem);
  };
  verb.flush = [&writer] { return writer.flush(); };
  return verb;
}

}  // namespace vivace
