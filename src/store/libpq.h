// PostgreSQL's client library, opened when it is first needed: with the twenty libraries that come with it, it would
// take as long at every start of the program as everything else that is linked.
#pragma once

#include <libpq-fe.h>

#include "base/status.h"

namespace vivace {

// The functions of libpq by their names without PQ.
struct Libpq {
  decltype(&PQclear) clear = nullptr;
  decltype(&PQcmdTuples) cmd_tuples = nullptr;
  decltype(&PQconnectdbParams) connectdb_params = nullptr;
  decltype(&PQerrorMessage) error_message = nullptr;
  decltype(&PQexec) exec = nullptr;
  decltype(&PQexecParams) exec_params = nullptr;
  decltype(&PQfinish) finish = nullptr;
  decltype(&PQgetisnull) getisnull = nullptr;
  decltype(&PQgetlength) getlength = nullptr;
  decltype(&PQgetvalue) getvalue = nullptr;
  decltype(&PQntuples) ntuples = nullptr;
  decltype(&PQresultErrorField) result_error_field = nullptr;
  decltype(&PQresultErrorMessage) result_error_message = nullptr;
  decltype(&PQresultStatus) result_status = nullptr;
  decltype(&PQstatus) status = nullptr;
  decltype(&PQtransactionStatus) transaction_status = nullptr;
};

// kUnsupported, saying what to install, when it cannot be opened; the first answer stays. Thread-safe.
Result<void> open_libpq();

// After a successful open_libpq(). Thread-safe.
const Libpq& libpq();

}  // namespace vivace
