// libpq as values and Results: connections, statements whose values are always parameters, transactions that roll back
// unless committed, and a pool. A connection is not thread-safe, the pool is.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

struct pg_conn;
struct pg_result;

namespace vivace {

// Values for $1, $2, … in the order of the calls.
class PostgresValues {
 public:
  PostgresValues& add(std::string_view text);
  PostgresValues& add(int64_t number);
  PostgresValues& add(double number);
  std::span<const std::string> texts() const { return m_texts; }

 private:
  std::vector<std::string> m_texts;
};

class PostgresRows {
 public:
  size_t size() const;
  uint64_t changed() const;  // rows that the statement wrote
  std::string text(size_t row, int column) const;
  int64_t integer(size_t row, int column) const;
  double real(size_t row, int column) const;
  bool is_null(size_t row, int column) const;

 private:
  friend class PostgresConnection;
  struct Clear {
    void operator()(pg_result* result) const;
  };
  explicit PostgresRows(pg_result* result) : m_result(result) {}
  std::unique_ptr<pg_result, Clear> m_result;
};

class PostgresConnection {
 public:
  // kUnavailable when there is no answer, kInvalidArgument when the address is none.
  static Result<std::unique_ptr<PostgresConnection>> open(const std::string& address);
  // sql: a literal of ours. kUnavailable when the connection is lost or the server is busy, shutting down or resolving
  // a deadlock: trying again can help. kInternal for the rest.
  Result<PostgresRows> run(const std::string& sql, const PostgresValues& values = {});
  // Several statements without values.
  Result<void> execute(const std::string& sql);
  bool is_lost() const;

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  explicit PostgresConnection(pg_conn* connection) : m_connection(connection) {}
  Result<PostgresRows> check(pg_result* result);
  std::unique_ptr<pg_conn, Finish> m_connection;
};

class PostgresTransaction {
 public:
  static Result<PostgresTransaction> begin(PostgresConnection& connection);
  PostgresTransaction(PostgresTransaction&& other) noexcept;
  PostgresTransaction& operator=(PostgresTransaction&&) = delete;
  ~PostgresTransaction();  // rolls back what was not committed
  Result<void> commit();

 private:
  explicit PostgresTransaction(PostgresConnection& connection) : m_connection(&connection) {}
  PostgresConnection* m_connection;  // nullptr: done
};

// Connections that wait for their next use. One that was lost is closed and replaced.
class PostgresPool {
 public:
  explicit PostgresPool(std::string address) : m_address(std::move(address)) {}

  // A connection for one caller; goes back by itself. Must not outlive the pool.
  class Lease {
   public:
    Lease(PostgresPool& pool, std::unique_ptr<PostgresConnection> connection)
        : m_pool(&pool), m_connection(std::move(connection)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    PostgresConnection& operator*() const { return *m_connection; }
    PostgresConnection* operator->() const { return m_connection.get(); }

   private:
    PostgresPool* m_pool;
    std::unique_ptr<PostgresConnection> m_connection;
  };
  Result<Lease> lease();

 private:
  static constexpr size_t kMostIdle = 8;
  void give_back(std::unique_ptr<PostgresConnection> connection);

  const std::string m_address;
  std::mutex m_mutex;
  std::vector<std::unique_ptr<PostgresConnection>> m_idle;
};

}  // namespace vivace
