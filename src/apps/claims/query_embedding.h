// A question's vector, by the model that made the store's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/claims/retry.h"
#include "base/status.h"
#include "engine/engine.h"
#include "store/evidence_store.h"

namespace vivace {

// Under what name vectors of this model are kept: the last folder of its directory.
std::string vector_model_name(const ModelInfo& model);

// kInvalidArgument, naming both, when the tenant's vectors are another model's.
Result<void> check_vector_model(EvidenceStore& store, std::string_view tenant, const ModelInfo& model);

struct QueryVector {
  std::vector<float> values;
  bool truncated = false;  // the model saw the beginning of the text only
};

// The engine's errors.
Result<QueryVector> embed_query(Engine& embedder, const std::string& text, const Patience& patience);

}  // namespace vivace
