#include "store/store_testing.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "store/postgres_database.h"

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

namespace {

// As if pgvector were not installed.
Result<void> choose_arrays(const std::string& address) {
  ASSIGN_OR_RETURN(const auto connection, PostgresConnection::open(address));
  return connection->execute(
      "CREATE SCHEMA vivace; CREATE TABLE vivace.store_info (version bigint NOT NULL, vectors text NOT NULL); INSERT "
      "INTO vivace.store_info VALUES (0, 'arrays')");
}

// A database of the test's own, named after its folder, on the server of VIVACE_TEST_POSTGRES.
Result<std::unique_ptr<EvidenceStore>> open_test_postgres(const std::string& server, const TemporaryFolder& folder) {
  const std::string name = std::filesystem::path(folder.file("x")).parent_path().filename().string();
  {
    ASSIGN_OR_RETURN(const auto connection, PostgresConnection::open(server));
    ASSIGN_OR_RETURN(const PostgresRows known, connection->run("SELECT count(*) FROM pg_database WHERE datname = $1",
                                                               PostgresValues().add(name)));
    if (known.integer(0, 0) == 0) {
      // mkdtemp's letters and digits need no quoting but for their case.
      const bool arrays = std::string_view(std::getenv("VIVACE_TEST_POSTGRES_VECTORS") == nullptr
                                               ? ""
                                               : std::getenv("VIVACE_TEST_POSTGRES_VECTORS")) == "arrays";
      RETURN_IF_ERROR(connection->execute("CREATE DATABASE \"" + name + "\" TEMPLATE template0 ENCODING 'UTF8'"));
      if (arrays) RETURN_IF_ERROR(choose_arrays(test_postgres_address(server, name)));
    }
  }
  return open_postgres_store(test_postgres_address(server, name));
}

}  // namespace

std::string test_postgres_address(const std::string& server, const std::string& database) {
  const size_t query = server.find('?');
  const size_t slash = server.find('/', std::string_view("postgresql://").size());
  const std::string options = query == std::string::npos ? "" : server.substr(query);
  return server.substr(0, std::min(slash, query)) + "/" + database + options;
}

std::vector<StoreBackend> store_backends() {
  std::vector<StoreBackend> backends = {
      {"sqlite", [](const TemporaryFolder& folder) { return open_sqlite_store(folder.file("store.db")); }}};
  if (const char* server = std::getenv("VIVACE_TEST_POSTGRES"); server != nullptr) {
    backends.push_back({"postgres", [address = std::string(server)](const TemporaryFolder& folder) {
                          return open_test_postgres(address, folder);
                        }});
  }
  return backends;
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
