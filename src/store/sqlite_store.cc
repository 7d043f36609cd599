#include "store/sqlite_store.h"

#include <chrono>

#include <fmt/format.h>

#include "kernels/registry.h"
#include "store/sqlite_schema.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

constexpr std::chrono::milliseconds kWriteWait{250};  // for another process, before the caller is asked again
constexpr std::chrono::milliseconds kLockPause{10};   // between two looks at its lock

EvidenceRecord read_row(const SqliteStatement& row) {
  return {.id = row.text(0),
          .content = row.text(1),
          .source_url = row.text(2),
          .source_type = row.text(3),
          .created_at = row.text(4)};
}

size_t vector_length(const EvidenceBatch& batch) {
  for (const EvidenceInput& item : batch.items) {
    if (!item.vector.empty()) return item.vector.size();
  }
  return 0;
}

}  // namespace

bool is_postgres_address(std::string_view location) {
  return location.starts_with("postgresql://") || location.starts_with("postgres://");
}

Result<std::unique_ptr<EvidenceStore>> open_evidence_store(const std::string& location) {
  return is_postgres_address(location) ? open_postgres_store(location) : open_sqlite_store(location);
}

Result<std::unique_ptr<EvidenceStore>> open_sqlite_store(const std::string& path) {
  ASSIGN_OR_RETURN(SqliteDatabase reader, SqliteDatabase::open(path));
  RETURN_IF_ERROR(migrate_schema(reader, path));
  ASSIGN_OR_RETURN(SqliteDatabase writer, SqliteDatabase::open(path));
  ASSIGN_OR_RETURN(const KernelTable* kernels, select_kernel_table(""));
  return std::make_unique<SqliteStore>(std::move(reader), std::move(writer), *kernels);
}

SqliteStore::SqliteStore(SqliteDatabase reader, SqliteDatabase writer, const KernelTable& kernels)
    : m_writer(std::move(writer)), m_reader(std::move(reader)), m_kernels(&kernels) {
  m_writer.wait_for_locks(kLockPause);
}

Result<SqliteStore::WriteTurn> SqliteStore::begin_write() {
  const auto end = std::chrono::steady_clock::now() + kWriteWait;
  while (true) {
    // Not kept while waiting, so that writers of this process wait for the file side by side and not one after another.
    std::unique_lock lock(m_write_mutex);
    auto transaction = SqliteTransaction::begin(m_writer);
    if (transaction) return WriteTurn{std::move(lock), std::move(*transaction)};
    Status problem = std::move(transaction).error();
    if (problem.code != StatusCode::kUnavailable) return std::unexpected(std::move(problem));
    if (std::chrono::steady_clock::now() >= end) {
      return error(StatusCode::kUnavailable, problem.message + "; another process writes to it, try again");
    }
    lock.unlock();
    std::this_thread::sleep_for(kLockPause);
  }
}

Result<void> SqliteStore::put_evidence(const EvidenceBatch& batch) {
  RETURN_IF_ERROR(check_batch(batch));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  RETURN_IF_ERROR(settle_vector_space(batch));
  RETURN_IF_ERROR(write_items(batch));
  RETURN_IF_ERROR(write_checkpoint(batch));
  if (!batch.items.empty()) RETURN_IF_ERROR(count_change(batch.tenant));
  return write.transaction.commit();
}

Result<void> SqliteStore::count_change(std::string_view tenant) {
  ASSIGN_OR_RETURN(SqliteStatement count,
                   m_writer.prepare("INSERT INTO evidence_revision (tenant_id, revision) VALUES (?, 1) "
                                    "ON CONFLICT (tenant_id) DO UPDATE SET revision = revision + 1"));
  return count.bind(tenant).run();
}

Result<uint64_t> SqliteStore::evidence_revision(std::string_view tenant) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare("SELECT revision FROM evidence_revision WHERE tenant_id = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).step());
  return found ? static_cast<uint64_t>(select.integer(0)) : 0;
}

// The first vectors of a tenant decide which model's and how long all are.
Result<void> SqliteStore::settle_vector_space(const EvidenceBatch& batch) {
  const size_t length = vector_length(batch);
  if (length == 0) return {};
  ASSIGN_OR_RETURN(SqliteStatement insert,
                   m_writer.prepare("INSERT INTO vector_space (tenant_id, model_name, dimensions) VALUES (?, ?, ?) "
                                    "ON CONFLICT (tenant_id) DO NOTHING"));
  RETURN_IF_ERROR(insert.bind(batch.tenant).bind(batch.model_name).bind(static_cast<int64_t>(length)).run());
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_writer.prepare("SELECT model_name, dimensions FROM vector_space WHERE tenant_id = ?"));
  RETURN_IF_ERROR(select.bind(batch.tenant).step());
  const std::string model = select.text(0);
  const auto dimensions = static_cast<size_t>(select.integer(1));
  for (const EvidenceInput& item : batch.items) {
    if (item.vector.empty() || (item.vector.size() == dimensions && model == batch.model_name)) continue;
    return error(
        StatusCode::kInvalidArgument,
        fmt::format("the store holds vectors of '{}' with {} values; those of '{}' with {} do not compare with "
                    "them, use a new store or another tenant",
                    model, dimensions, batch.model_name, item.vector.size()));
  }
  return {};
}

Result<void> SqliteStore::write_items(const EvidenceBatch& batch) {
  ASSIGN_OR_RETURN(SqliteStatement upsert,
                   m_writer.prepare("INSERT INTO evidence (tenant_id, id, content, source_url, source_type) "
                                    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant_id, id) DO UPDATE SET "
                                    "content = excluded.content, source_url = excluded.source_url, "
                                    "source_type = excluded.source_type RETURNING number"));
  ASSIGN_OR_RETURN(SqliteStatement drop, m_writer.prepare("DELETE FROM embedding WHERE evidence_number = ?"));
  ASSIGN_OR_RETURN(SqliteStatement add,
                   m_writer.prepare("INSERT INTO embedding (tenant_id, evidence_number, vector) VALUES (?, ?, ?)"));
  ASSIGN_OR_RETURN(SqliteStatement add_words,
                   m_writer.prepare("INSERT INTO evidence_text (rowid, content) VALUES (?, ?)"));
  for (const EvidenceInput& item : batch.items) {
    const EvidenceRecord& evidence = item.evidence;
    RETURN_IF_ERROR(remove_words(batch.tenant, evidence.id));
    upsert.bind(batch.tenant).bind(evidence.id).bind(evidence.content);
    RETURN_IF_ERROR(upsert.bind(evidence.source_url).bind(evidence.source_type).step());
    const int64_t number = upsert.integer(0);
    RETURN_IF_ERROR(upsert.run());
    RETURN_IF_ERROR(add_words.bind(number).bind(evidence.content).run());
    RETURN_IF_ERROR(drop.bind(number).run());
    if (!item.vector.empty()) RETURN_IF_ERROR(add.bind(batch.tenant).bind(number).bind_blob(item.vector).run());
  }
  return {};
}

// Takes the text of a row, if there is one, out of the index of words.
Result<void> SqliteStore::remove_words(std::string_view tenant, std::string_view id) {
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_writer.prepare("SELECT number, content FROM evidence WHERE tenant_id = ? AND id = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).bind(id).step());
  if (!found) return {};
  ASSIGN_OR_RETURN(SqliteStatement remove, m_writer.prepare("INSERT INTO evidence_text (evidence_text, rowid, content) "
                                                            "VALUES ('delete', ?, ?)"));
  const std::string content = select.text(1);
  return remove.bind(select.integer(0)).bind(content).run();
}

Result<void> SqliteStore::write_checkpoint(const EvidenceBatch& batch) {
  if (!batch.checkpoint) return {};
  ASSIGN_OR_RETURN(
      SqliteStatement statement,
      m_writer.prepare("INSERT OR REPLACE INTO ingest_checkpoint (tenant_id, source, position, "
                       "model_name, updated_at) VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"));
  statement.bind(batch.tenant).bind(batch.checkpoint->source);
  statement.bind(static_cast<int64_t>(batch.checkpoint->position)).bind(batch.checkpoint->model_name);
  return statement.run();
}

Result<EvidenceRecord> SqliteStore::evidence(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("id", id));
  const std::lock_guard lock(m_read_mutex);
  return read_evidence(tenant, id);
}

Result<EvidenceRecord> SqliteStore::read_evidence(std::string_view tenant, std::string_view id) {
  ASSIGN_OR_RETURN(SqliteStatement select,
                   m_reader.prepare("SELECT id, content, source_url, source_type, created_at FROM evidence "
                                    "WHERE tenant_id = ? AND id = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).bind(id).step());
  if (!found) return error(StatusCode::kNotFound, fmt::format("no evidence with id '{}'", id));
  return read_row(select);
}

Result<uint64_t> SqliteStore::count_evidence(std::string_view tenant) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(SqliteStatement select, m_reader.prepare("SELECT count(*) FROM evidence WHERE tenant_id = ?"));
  RETURN_IF_ERROR(select.bind(tenant).step());
  return static_cast<uint64_t>(select.integer(0));
}

Result<void> SqliteStore::remove_evidence(std::string_view tenant, std::string_view id) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_id("id", id));
  ASSIGN_OR_RETURN(WriteTurn write, begin_write());
  RETURN_IF_ERROR(remove_words(tenant, id));
  ASSIGN_OR_RETURN(SqliteStatement remove, m_writer.prepare("DELETE FROM evidence WHERE tenant_id = ? AND id = ?"));
  RETURN_IF_ERROR(remove.bind(tenant).bind(id).run());
  if (m_writer.changed_rows() == 0) {
    return error(StatusCode::kNotFound, fmt::format("no evidence with id '{}'", id));
  }
  RETURN_IF_ERROR(count_change(tenant));
  return write.transaction.commit();
}

Result<IngestCheckpoint> SqliteStore::checkpoint(std::string_view tenant, std::string_view source) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  RETURN_IF_ERROR(check_text("checkpoint source", source, kMaxUrlBytes));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(
      SqliteStatement select,
      m_reader.prepare("SELECT position, model_name FROM ingest_checkpoint WHERE tenant_id = ? AND source = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).bind(source).step());
  IngestCheckpoint checkpoint{.source = std::string(source), .position = 0, .model_name = {}};
  if (!found) return checkpoint;
  checkpoint.position = static_cast<uint64_t>(select.integer(0));
  checkpoint.model_name = select.text(1);
  return checkpoint;
}

Result<std::string> SqliteStore::vector_model(std::string_view tenant) {
  RETURN_IF_ERROR(check_id("tenant", tenant));
  const std::lock_guard lock(m_read_mutex);
  ASSIGN_OR_RETURN(SqliteStatement select, m_reader.prepare("SELECT model_name FROM vector_space WHERE tenant_id = ?"));
  ASSIGN_OR_RETURN(const bool found, select.bind(tenant).step());
  return found ? select.text(0) : std::string();
}

}  // namespace vivace
