#include "apps/claims/query_embedding.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

namespace vivace {

std::string vector_model_name(const ModelInfo& model) {
  const std::filesystem::path directory = std::filesystem::path(model.directory + "/").lexically_normal();
  return directory.parent_path().filename().string();
}

Result<void> check_vector_model(EvidenceStore& store, std::string_view tenant, const ModelInfo& model) {
  ASSIGN_OR_RETURN(const std::string stored, store.vector_model(tenant));
  const std::string name = vector_model_name(model);
  if (stored.empty() || stored == name) return {};
  return error(StatusCode::kInvalidArgument,
               fmt::format("the store was filled with the model '{}', this is '{}'; give the same one", stored, name));
}

Result<QueryVector> embed_query(Engine& embedder, const std::string& text, const Patience& patience) {
  EmbedRequest request;
  request.texts = {text};
  request.deadline = patience.deadline;
  request.cancel = patience.cancel;
  ASSIGN_OR_RETURN(EmbedResponse response, embedder.embed(std::move(request)));
  TextEmbedding& embedding = response.embeddings.front();
  return QueryVector{std::move(embedding.values), embedding.truncated};
}

}  // namespace vivace
