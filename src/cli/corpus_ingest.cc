#include "cli/corpus_ingest.h"

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "apps/claims/query_embedding.h"
#include "apps/claims/retry.h"

namespace vivace {
namespace {

struct Batch {
  EvidenceBatch rows;
  std::future<Result<EmbedResponse>> vectors;  // not valid() without an engine or without rows
  uint64_t position = 0;                       // rows of the corpus read with this batch
  double fraction = 0;
};

class Ingest {
 public:
  Ingest(CorpusReader& corpus, Engine* engine, EvidenceStore* store, const IngestOptions& options)
      : m_corpus(corpus), m_engine(engine), m_store(store), m_options(options) {}

  Result<IngestTotals> run(Progress& progress) {
    RETURN_IF_ERROR(skip_stored());
    ASSIGN_OR_RETURN(std::optional<Batch> current, read());
    while (current) {
      // A row that stops the reading must not keep the rows before it from being stored.
      Result<std::optional<Batch>> following = read();
      RETURN_IF_ERROR(finish(*current));
      progress.update(m_totals.stored, current->fraction);
      if (!following) return std::unexpected(following.error());
      current = std::move(*following);
    }
    return m_totals;
  }

 private:
  Result<void> skip_stored() {
    while (m_position < m_options.first_row) {
      ASSIGN_OR_RETURN(const auto rows, m_corpus.next(static_cast<size_t>(std::min<uint64_t>(
                                            m_options.batch_rows, m_options.first_row - m_position))));
      if (rows.empty()) return {};
      m_position += rows.size();
    }
    return {};
  }

  // nullopt at the end of the corpus.
  Result<std::optional<Batch>> read() {
    if (m_failed) return std::unexpected(*m_failed);
    ASSIGN_OR_RETURN(std::vector<CorpusRow> rows, m_corpus.next(m_options.batch_rows));
    if (rows.empty()) return std::nullopt;
    Batch batch;
    for (CorpusRow& row : rows) {
      if (!row.problem.empty() && m_options.on_problem == OnProblem::kStop) {
        m_failed = Status{StatusCode::kInvalidArgument, row.problem};
        break;
      }
      ++m_position;
      if (row.problem.empty()) {
        batch.rows.items.push_back({.evidence = std::move(row.evidence), .vector = {}});
      } else {
        ++m_totals.problems;
      }
    }
    batch.position = m_position;
    batch.fraction = m_corpus.fraction_taken();
    submit(&batch);
    return batch;
  }

  void submit(Batch* batch) {
    if (m_engine == nullptr || batch->rows.items.empty()) return;
    EmbedRequest request;
    for (const EvidenceInput& item : batch->rows.items) request.texts.push_back(item.evidence.content);
    auto answer = std::make_shared<std::promise<Result<EmbedResponse>>>();
    batch->vectors = answer->get_future();
    m_engine->submit(std::move(request),
                     [answer](Result<EmbedResponse> response) { answer->set_value(std::move(response)); });
  }

  Result<void> finish(Batch& batch) {
    if (m_engine != nullptr) batch.rows.model_name = vector_model_name(m_engine->info());
    if (batch.vectors.valid()) {
      ASSIGN_OR_RETURN(EmbedResponse response, batch.vectors.get());
      for (size_t i = 0; i < response.embeddings.size(); ++i) {
        m_totals.truncated += response.embeddings[i].truncated ? 1 : 0;
        batch.rows.items[i].vector = std::move(response.embeddings[i].values);
      }
    }
    batch.rows.tenant = m_options.tenant;
    if (!m_options.source.empty()) {
      batch.rows.checkpoint = {
          .source = m_options.source, .position = batch.position, .model_name = batch.rows.model_name};
    }
    if (m_store != nullptr) RETURN_IF_ERROR(put(batch.rows));
    m_totals.stored += batch.rows.items.size();
    return {};
  }

  Result<void> put(const EvidenceBatch& rows) {
    int retries = 0;
    return with_retries(kWriteRetries, Patience{}, &retries, [&] { return m_store->put_evidence(rows); });
  }

  CorpusReader& m_corpus;
  Engine* m_engine;
  EvidenceStore* m_store;
  const IngestOptions& m_options;
  uint64_t m_position = 0;
  std::optional<Status> m_failed;  // what ends the run once the rows before it are stored
  IngestTotals m_totals;
};

}  // namespace

Result<IngestTotals> ingest_corpus(CorpusReader& corpus, Engine* engine, EvidenceStore* store,
                                   const IngestOptions& options, Progress& progress) {
  return Ingest(corpus, engine, store, options).run(progress);
}

}  // namespace vivace
