// SQLite as values and Results: a connection, prepared statements with bound parameters, transactions that roll back
// unless committed. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vivace {

class SqliteStatement {
 public:
  // Parameters are bound in the order of the calls. Texts must live until the statement is stepped.
  SqliteStatement& bind(std::string_view text);
  SqliteStatement& bind(int64_t number);
  SqliteStatement& bind(double number);
  SqliteStatement& bind_blob(std::span<const float> values);

  // True while there is a row. The errors of SQLite: kUnavailable when locked, kCorruptFile, kInternal.
  Result<bool> step();
  // step() of a statement without rows, then ready to be bound again.
  Result<void> run();
  void reset();

  // Of the current row, from column 0; views hold until the next step.
  std::string text(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  std::span<const std::byte> blob(int column) const;

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit SqliteStatement(sqlite3_stmt* statement) : m_statement(statement) {}
  void note(int code);

  std::unique_ptr<sqlite3_stmt, Finalize> m_statement;
  int m_next_parameter = 1;
  int m_bind_error = 0;
};

class SqliteDatabase {
 public:
  // Opens or makes the file. kInvalidArgument when it is no database or cannot be made.
  static Result<SqliteDatabase> open(const std::string& path);

  // How long a statement waits for other connections; 10 seconds where nothing was said.
  void wait_for_locks(std::chrono::milliseconds most);
  // Several statements without parameters.
  Result<void> execute(const char* sql);
  // sql: a literal of ours; values go in through bind().
  Result<SqliteStatement> prepare(std::string_view sql);
  // The one number that sql gives.
  Result<int64_t> number(std::string_view sql);
  uint64_t changed_rows() const;  // by the last statement
  // Differs from an earlier answer when this or another connection has changed the file since.
  Result<std::pair<int64_t, int64_t>> change_stamp();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteDatabase(sqlite3* database) : m_database(database) {}
  std::unique_ptr<sqlite3, Close> m_database;
};

class SqliteTransaction {
 public:
  // Takes the write lock at once, so that no later statement finds it gone.
  static Result<SqliteTransaction> begin(SqliteDatabase& database);
  SqliteTransaction(SqliteTransaction&& other) noexcept;
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();  // rolls back what was not committed
  Result<void> commit();

 private:
  explicit SqliteTransaction(SqliteDatabase& database) : m_database(&database) {}
  SqliteDatabase* m_database;  // nullptr: done
};

}  // namespace vivace
