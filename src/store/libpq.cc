#include "store/libpq.h"

#include <dlfcn.h>

#include <string>

#include "base/check.h"
#include "base/utf8.h"

namespace vivace {
namespace {

// The version of its binary interface, which has not changed since 2006.
constexpr const char* kLibrary = "libpq.so.5";

template <typename Function>
bool find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

bool find_all(void* library, Libpq* pq) {
  return find(library, "PQclear", &pq->clear) && find(library, "PQcmdTuples", &pq->cmd_tuples) &&
         find(library, "PQconnectdbParams", &pq->connectdb_params) &&
         find(library, "PQerrorMessage", &pq->error_message) && find(library, "PQexec", &pq->exec) &&
         find(library, "PQexecParams", &pq->exec_params) && find(library, "PQfinish", &pq->finish) &&
         find(library, "PQgetisnull", &pq->getisnull) && find(library, "PQgetlength", &pq->getlength) &&
         find(library, "PQgetvalue", &pq->getvalue) && find(library, "PQntuples", &pq->ntuples) &&
         find(library, "PQresultErrorField", &pq->result_error_field) &&
         find(library, "PQresultErrorMessage", &pq->result_error_message) &&
         find(library, "PQresultStatus", &pq->result_status) && find(library, "PQstatus", &pq->status) &&
         find(library, "PQtransactionStatus", &pq->transaction_status);
}

Result<Libpq> open() {
  // Never closed: it is needed until the process ends.
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  Libpq pq;
  if (library != nullptr && find_all(library, &pq)) return pq;
  const char* const reason = dlerror();
  return error(StatusCode::kUnsupported, std::string("store: PostgreSQL's client library ") + kLibrary +
                                             " cannot be opened (" + printable(reason == nullptr ? "" : reason) +
                                             "); install it (Debian's package libpq5) or use a SQLite file");
}

const Result<Libpq>& opened() {
  static const Result<Libpq> the_library = open();
  return the_library;
}

}  // namespace

Result<void> open_libpq() {
  if (!opened()) return std::unexpected(opened().error());
  return {};
}

const Libpq& libpq() {
  CHECK(opened().has_value());
  return *opened();
}

}  // namespace vivace
