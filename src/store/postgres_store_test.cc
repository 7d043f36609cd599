// What is particular to the PostgreSQL store: a server that goes away. Without VIVACE_TEST_POSTGRES (the address of a
// server) these are skipped; tests/store/test_postgres.py sets it.
#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/index_words.h"
#include "store/postgres_database.h"
#include "store/store_testing.h"

namespace vivace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PostgresStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* server = std::getenv("VIVACE_TEST_POSTGRES");
    if (server == nullptr) GTEST_SKIP() << "VIVACE_TEST_POSTGRES names no PostgreSQL server";
    m_server = server;
    m_store = store_backends().back().open(m_folder).value();
    m_database = std::filesystem::path(m_folder.file("x")).parent_path().filename().string();
  }
  // Ends all connections to the test's database, as a failing network or a restart would.
  void cut_connections() {
    const auto connection = PostgresConnection::open(m_server).value();
    ASSERT_TRUE(connection->run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
        PostgresValues().add(m_database)));
  }
  std::string m_server;
  std::string m_database;
  TemporaryFolder m_folder;
  std::unique_ptr<EvidenceStore> m_store;
};

TEST_F(PostgresStoreTest, ALostConnectionIsReportedOnceAndReplaced) {
  ASSERT_TRUE(m_store->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("a", "x", {1, 0})})));
  cut_connections();
  const auto lost = m_store->count_evidence(kDefaultTenant);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(lost.error().message, testing::Not(HasSubstr("\n")));
  EXPECT_EQ(m_store->count_evidence(kDefaultTenant).value(), 1U);
}

TEST_F(PostgresStoreTest, C004_20_NoHalfWrittenVerdictWhenTheConnectionIsLost) {
  const ClaimRecord claim{.id = "c", .tenant = kDefaultTenant, .text = "t", .source_url = "", .submitted_at = ""};
  VerificationRecord verdict;
  verdict.id = "v";
  verdict.claim_id = "c";
  for (int i = 0; i < 50; ++i) {
    NliRecord nli;
    nli.id = std::to_string(i);
    nli.evidence_id = "e";
    verdict.nli_results.push_back(nli);
  }
  // The last result waits for a lock that another connection holds; there the connection is cut.
  const auto other = PostgresConnection::open(test_postgres_address(m_server, m_database)).value();
  ASSERT_TRUE(other->execute("BEGIN; LOCK TABLE nli_result IN EXCLUSIVE MODE"));
  std::thread cutter([this] {
    const auto connection = PostgresConnection::open(m_server).value();
    while (true) {
      const auto cut = connection->run(
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = "
          "'Lock'",
          PostgresValues().add(m_database));
      if (!cut || cut->integer(0, 0) > 0) return;
    }
  });
  const auto lost = m_store->add_verified_claim(claim, verdict);
  cutter.join();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, StatusCode::kUnavailable);
  ASSERT_TRUE(other->execute("ROLLBACK"));
  EXPECT_EQ(m_store->claim(kDefaultTenant, "c").error().code, StatusCode::kNotFound);
  ASSERT_TRUE(m_store->add_verified_claim(claim, verdict));
  EXPECT_EQ(m_store->verification(kDefaultTenant, "c").value().nli_results.size(), 50U);
}

TEST_F(PostgresStoreTest, TheFirstVersionGetsItsStems) {
  const std::string address = test_postgres_address(m_server, m_database);
  ASSERT_TRUE(PostgresConnection::open(address).value()->execute(
      "DROP FUNCTION vivace.stem(text); ALTER TABLE ingest_checkpoint DROP COLUMN model_name; UPDATE store_info SET "
      "version = 1"));
  const auto store = open_postgres_store(address);
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE((*store)->put_evidence(evidence_batch(kDefaultTenant, {evidence_input("a", "technology")})));
  KeywordQuery query;
  query.text = "technological";
  EXPECT_EQ((*store)->search_keywords(query)->size(), 1U);
}

TEST_F(PostgresStoreTest, NewerVersionsAreRefused) {
  const std::string address = test_postgres_address(m_server, m_database);
  ASSERT_TRUE(PostgresConnection::open(address).value()->execute("UPDATE store_info SET version = 1000"));
  EXPECT_EQ(open_postgres_store(address).error().code, StatusCode::kUnsupported);
}

TEST(PostgresDatabase, UnreachableServersAreUnavailable) {
  const auto store = open_postgres_store("postgresql://nobody@/none?host=/nonexistent");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, StatusCode::kUnavailable);
  EXPECT_THAT(store.error().message, HasSubstr("cannot be reached"));
}

TEST(IndexWords, AsTheTokenizerOfSqlite) {
  EXPECT_THAT(index_words("Un Café, l'ÉTÉ 2024—x_y"), ElementsAre("un", "cafe", "l", "ete", "2024", "x", "y"));
  EXPECT_THAT(index_words("水は Ωμέγα"), ElementsAre("水は", "ωμεγα"));
  EXPECT_THAT(index_words(" ?!\n"), IsEmpty());
}

}  // namespace
}  // namespace vivace
