#include "store/store_testing.h"

#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace vivace {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "vivace_store_XXXXXX").string();
  CHECK(mkdtemp(name.data()) != nullptr);
  m_path = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(m_path, ignored);
}

std::vector<StoreBackend> store_backends() {
  return {{"sqlite", [](const TemporaryFolder& folder) { return open_sqlite_store(folder.file("store.db")); }}};
}

EvidenceInput evidence_input(const std::string& id, const std::string& content, std::vector<float> vector) {
  EvidenceInput input;
  input.evidence.id = id;
  input.evidence.content = content;
  input.vector = std::move(vector);
  return input;
}

EvidenceBatch evidence_batch(const std::string& tenant, std::vector<EvidenceInput> items) {
  EvidenceBatch batch;
  batch.tenant = tenant;
  batch.model_name = "model";
  batch.items = std::move(items);
  return batch;
}

std::vector<std::string> ids_of(const std::vector<ScoredEvidence>& found) {
  std::vector<std::string> ids;
  for (const ScoredEvidence& hit : found) ids.push_back(hit.evidence.id);
  return ids;
}

}  // namespace vivace
