#include "cli/store_options.h"

#include <filesystem>

#include <CLI/CLI.hpp>

namespace vivace {

void add_store_options(CLI::App& verb, StoreOptions* options) {
  verb.add_option("--store", options->path, "The evidence store: a file, or postgresql://USER@HOST/DATABASE")
      ->required();
  verb.add_option("--tenant", options->tenant, "Whose evidence; tenants do not see each other's")
      ->capture_default_str();
}

Result<std::unique_ptr<EvidenceStore>> open_existing_store(const StoreOptions& options) {
  std::error_code ignored;
  if (!is_postgres_address(options.path) && !std::filesystem::exists(options.path, ignored)) {
    return error(StatusCode::kNotFound,
                 "there is no store '" + options.path + "'; `vivace ingest corpus.jsonl --store FILE` makes one");
  }
  return open_evidence_store(options.path);
}

}  // namespace vivace
