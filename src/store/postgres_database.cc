#include "store/postgres_database.h"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "store/libpq.h"

namespace vivace {
namespace {

// What every connection starts with. Times bound what a server that hangs can do to us.
constexpr char kSettings[] =
    "SET client_encoding = 'UTF8'; SET client_min_messages = warning; SET statement_timeout = '120s'; "
    "SET lock_timeout = '10s'; SET search_path = vivace, public; SET TIME ZONE 'UTC'";

std::string first_line(const char* message) {
  const std::string_view text = message == nullptr ? "" : message;
  std::string line(text.substr(0, text.find('\n')));
  return line.empty() ? "no reason given" : line;
}

// Connection lost, resources, deadlocks, locks, shutting down: classes of
// https://www.postgresql.org/docs/15/errcodes-appendix.html
bool is_passing(std::string_view state) {
  return state.starts_with("08") || state.starts_with("53") || state.starts_with("57") || state == "40001" ||
         state == "40P01" || state == "55P03";
}

double parse_real(const char* text) {
  double value = 0;
  std::from_chars(text, text + std::char_traits<char>::length(text), value);
  return value;
}

}  // namespace

PostgresValues& PostgresValues::add(std::string_view text) {
  m_texts.emplace_back(text);
  return *this;
}
PostgresValues& PostgresValues::add(int64_t number) {
  m_texts.push_back(fmt::format("{}", number));
  return *this;
}
PostgresValues& PostgresValues::add(double number) {
  m_texts.push_back(fmt::format("{}", number));
  return *this;
}

void PostgresRows::Clear::operator()(pg_result* result) const {
  libpq().clear(result);
}
size_t PostgresRows::size() const {
  return static_cast<size_t>(libpq().ntuples(m_result.get()));
}
uint64_t PostgresRows::changed() const {
  const std::string_view text = libpq().cmd_tuples(m_result.get());
  uint64_t rows = 0;
  std::from_chars(text.data(), text.data() + text.size(), rows);
  return rows;
}
std::string PostgresRows::text(size_t row, int column) const {
  return {libpq().getvalue(m_result.get(), static_cast<int>(row), column),
          static_cast<size_t>(libpq().getlength(m_result.get(), static_cast<int>(row), column))};
}
int64_t PostgresRows::integer(size_t row, int column) const {
  const std::string value = text(row, column);
  int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}
double PostgresRows::real(size_t row, int column) const {
  return parse_real(libpq().getvalue(m_result.get(), static_cast<int>(row), column));
}
bool PostgresRows::is_null(size_t row, int column) const {
  return libpq().getisnull(m_result.get(), static_cast<int>(row), column) != 0;
}

void PostgresConnection::Finish::operator()(pg_conn* connection) const {
  libpq().finish(connection);
}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& address) {
  RETURN_IF_ERROR(open_libpq());
  // What stands in the address wins over the defaults before it.
  constexpr std::array<const char*, 6> kKeys = {"connect_timeout",  "application_name", "keepalives_idle",
                                                "tcp_user_timeout", "dbname",           nullptr};
  const std::array<const char*, 6> values = {"5", "vivace", "30", "30000", address.c_str(), nullptr};
  std::unique_ptr<PostgresConnection> connection(
      new PostgresConnection(libpq().connectdb_params(kKeys.data(), values.data(), /*expand_dbname=*/1)));
  pg_conn* raw = connection->m_connection.get();
  if (raw == nullptr || libpq().status(raw) != CONNECTION_OK) {
    return error(StatusCode::kUnavailable, "store: PostgreSQL cannot be reached: " +
                                               first_line(raw == nullptr ? "" : libpq().error_message(raw)));
  }
  RETURN_IF_ERROR(connection->execute(kSettings));
  return connection;
}

bool PostgresConnection::is_lost() const {
  return libpq().status(m_connection.get()) != CONNECTION_OK ||
         libpq().transaction_status(m_connection.get()) != PQTRANS_IDLE;
}

Result<PostgresRows> PostgresConnection::check(pg_result* result) {
  PostgresRows rows(result);
  const ExecStatusType status = libpq().result_status(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return rows;
  if (result == nullptr || libpq().status(m_connection.get()) != CONNECTION_OK) {
    return error(StatusCode::kUnavailable, "store: the connection to PostgreSQL was lost: " +
                                               first_line(libpq().error_message(m_connection.get())));
  }
  const char* state = libpq().result_error_field(result, PG_DIAG_SQLSTATE);
  const bool passing = state != nullptr && is_passing(state);
  return error(passing ? StatusCode::kUnavailable : StatusCode::kInternal,
               "store: PostgreSQL: " + first_line(libpq().result_error_message(result)));
}

Result<PostgresRows> PostgresConnection::run(const std::string& sql, const PostgresValues& values) {
  std::vector<const char*> pointers;
  for (const std::string& text : values.texts()) pointers.push_back(text.c_str());
  return check(libpq().exec_params(m_connection.get(), sql.c_str(), static_cast<int>(pointers.size()), nullptr,
                                   pointers.data(), nullptr, nullptr, /*resultFormat=*/0));
}

Result<void> PostgresConnection::execute(const std::string& sql) {
  RETURN_IF_ERROR(check(libpq().exec(m_connection.get(), sql.c_str())));
  return {};
}

Result<PostgresTransaction> PostgresTransaction::begin(PostgresConnection& connection) {
  RETURN_IF_ERROR(connection.execute("BEGIN"));
  return PostgresTransaction(connection);
}

PostgresTransaction::PostgresTransaction(PostgresTransaction&& other) noexcept
    : m_connection(std::exchange(other.m_connection, nullptr)) {}

PostgresTransaction::~PostgresTransaction() {
  // A connection that cannot even roll back is not given back to the pool.
  if (m_connection != nullptr) static_cast<void>(m_connection->execute("ROLLBACK"));
}

Result<void> PostgresTransaction::commit() {
  return std::exchange(m_connection, nullptr)->execute("COMMIT");
}

Result<PostgresPool::Lease> PostgresPool::lease() {
  {
    const std::lock_guard lock(m_mutex);
    while (!m_idle.empty()) {
      std::unique_ptr<PostgresConnection> connection = std::move(m_idle.back());
      m_idle.pop_back();
      if (!connection->is_lost()) return Lease(*this, std::move(connection));
    }
  }
  ASSIGN_OR_RETURN(std::unique_ptr<PostgresConnection> connection, PostgresConnection::open(m_address));
  return Lease(*this, std::move(connection));
}

PostgresPool::Lease::~Lease() {
  if (m_connection != nullptr) m_pool->give_back(std::move(m_connection));
}

void PostgresPool::give_back(std::unique_ptr<PostgresConnection> connection) {
  const std::lock_guard lock(m_mutex);
  // A lost connection takes the others of the same server with it: they would fail one caller each.
  if (connection->is_lost())
    m_idle.clear();
  else if (m_idle.size() < kMostIdle)
    m_idle.push_back(std::move(connection));
}

}  // namespace vivace
