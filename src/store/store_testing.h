// The stores that the suite of evidence_store_test.cc runs on, and files for tests.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/evidence_store.h"

namespace vivace {

// A folder of its own, gone with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return (m_path / name).string(); }

 private:
  std::filesystem::path m_path;
};

struct StoreBackend {
  std::string name;
  // Opens the store that lives in the folder, an empty one the first time.
  std::function<Result<std::unique_ptr<EvidenceStore>>(const TemporaryFolder&)> open;
};

// Another database joins the suite with a row here. PostgreSQL is there when VIVACE_TEST_POSTGRES has the address of a
// server where databases may be made (tests/store/test_postgres.py starts one).
std::vector<StoreBackend> store_backends();

// The address of another database on that server.
std::string test_postgres_address(const std::string& server, const std::string& database);

EvidenceInput evidence_input(const std::string& id, const std::string& content, std::vector<float> vector = {});
EvidenceBatch evidence_batch(const std::string& tenant, std::vector<EvidenceInput> items);
std::vector<std::string> ids_of(const std::vector<ScoredEvidence>& found);

}  // namespace vivace
