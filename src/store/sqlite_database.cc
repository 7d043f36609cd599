#include "store/sqlite_database.h"

#include <utility>

#include <sqlite3.h>

#include "base/check.h"

namespace vivace {
namespace {

constexpr int kBusyMs = 10'000;  // how long a statement waits for another connection
// Far above what store_checks.h lets in.
constexpr int kMaxValueBytes = 64 << 20;

StatusCode status_code(int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY: return StatusCode::kUnavailable;  // a disk that the system no longer writes to
    case SQLITE_CORRUPT: return StatusCode::kCorruptFile;
    case SQLITE_CANTOPEN:
    case SQLITE_NOTADB: return StatusCode::kInvalidArgument;
    case SQLITE_TOOBIG: return StatusCode::kTooLarge;
    default: return StatusCode::kInternal;
  }
}

std::unexpected<Status> database_error(sqlite3* database, int code) {
  std::string message = "store: ";
  message += sqlite3_errmsg(database);
  if ((code & 0xFF) == SQLITE_FULL) message += "; make room on the disk and try again";
  return error(status_code(code), message);
}

// Nothing in a file that came from elsewhere may run code or reach other files.
void harden(sqlite3* database) {
  sqlite3_busy_timeout(database, kBusyMs);
  sqlite3_extended_result_codes(database, 1);
  sqlite3_limit(database, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}
void SqliteDatabase::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

void SqliteStatement::note(int code) {
  if (code != SQLITE_OK && m_bind_error == SQLITE_OK) m_bind_error = code;
}

SqliteStatement& SqliteStatement::bind(std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  note(sqlite3_bind_text64(m_statement.get(), m_next_parameter++, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::bind(int64_t number) {
  note(sqlite3_bind_int64(m_statement.get(), m_next_parameter++, number));
  return *this;
}

SqliteStatement& SqliteStatement::bind(double number) {
  note(sqlite3_bind_double(m_statement.get(), m_next_parameter++, number));
  return *this;
}

SqliteStatement& SqliteStatement::bind_blob(std::span<const float> values) {
  note(sqlite3_bind_blob64(m_statement.get(), m_next_parameter++, values.data(), values.size_bytes(), SQLITE_STATIC));
  return *this;
}

Result<bool> SqliteStatement::step() {
  sqlite3* database = sqlite3_db_handle(m_statement.get());
  if (m_bind_error != SQLITE_OK) return database_error(database, m_bind_error);
  const int code = sqlite3_step(m_statement.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_error(database, code);
}

Result<void> SqliteStatement::run() {
  const Result<bool> row = step();
  reset();
  if (!row) return std::unexpected(row.error());
  return {};
}

void SqliteStatement::reset() {
  sqlite3_reset(m_statement.get());
  sqlite3_clear_bindings(m_statement.get());
  m_next_parameter = 1;
  m_bind_error = SQLITE_OK;
}

std::string SqliteStatement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(m_statement.get(), column));
  const int size = sqlite3_column_bytes(m_statement.get(), column);
  return data == nullptr ? std::string() : std::string(data, static_cast<size_t>(size));
}

int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(m_statement.get(), column);
}
double SqliteStatement::real(int column) const {
  return sqlite3_column_double(m_statement.get(), column);
}

std::span<const std::byte> SqliteStatement::blob(int column) const {
  const void* data = sqlite3_column_blob(m_statement.get(), column);
  const int size = sqlite3_column_bytes(m_statement.get(), column);
  return {static_cast<const std::byte*>(data), data == nullptr ? 0 : static_cast<size_t>(size)};
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  SqliteDatabase database(raw);
  if (raw == nullptr) return error(StatusCode::kInternal, "store: no memory for '" + path + "'");
  if (code != SQLITE_OK) {
    return error(status_code(code), "cannot open the store '" + path + "': " + sqlite3_errmsg(raw));
  }
  harden(raw);
  // With a write-ahead log, readers do not wait for writers, and a killed process leaves whole transactions only.
  const Result<void> set = database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  if (!set) return std::unexpected(set.error().with_context("cannot open the store '" + path + "'"));
  return database;
}

void SqliteDatabase::wait_for_locks(std::chrono::milliseconds most) {
  sqlite3_busy_timeout(m_database.get(), static_cast<int>(most.count()));
}

Result<void> SqliteDatabase::execute(const char* sql) {
  const int code = sqlite3_exec(m_database.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return database_error(m_database.get(), code);
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(m_database.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  if (code != SQLITE_OK) return database_error(m_database.get(), code);
  return SqliteStatement(raw);
}

Result<int64_t> SqliteDatabase::number(std::string_view sql) {
  ASSIGN_OR_RETURN(SqliteStatement statement, prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.step());
  CHECK(row);
  return statement.integer(0);
}

uint64_t SqliteDatabase::changed_rows() const {
  return static_cast<uint64_t>(sqlite3_changes64(m_database.get()));
}

Result<std::pair<int64_t, int64_t>> SqliteDatabase::change_stamp() {
  ASSIGN_OR_RETURN(const int64_t others, number("PRAGMA data_version"));
  return std::pair(others, int64_t{sqlite3_total_changes64(m_database.get())});
}

Result<SqliteTransaction> SqliteTransaction::begin(SqliteDatabase& database) {
  RETURN_IF_ERROR(database.execute("BEGIN IMMEDIATE"));
  return SqliteTransaction(database);
}

SqliteTransaction::SqliteTransaction(SqliteTransaction&& other) noexcept
    : m_database(std::exchange(other.m_database, nullptr)) {}

SqliteTransaction::~SqliteTransaction() {
  if (m_database == nullptr) return;
  // A failure means that SQLite has rolled back already.
  [[maybe_unused]] const Result<void> done = m_database->execute("ROLLBACK");
}

Result<void> SqliteTransaction::commit() {
  RETURN_IF_ERROR(m_database->execute("COMMIT"));
  m_database = nullptr;
  return {};
}

}  // namespace vivace
