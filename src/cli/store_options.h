// The options of every verb that works on an evidence store.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "store/evidence_store.h"

namespace CLI {
class App;
}

namespace vivace {

struct StoreOptions {
  std::string path;
  std::string tenant = kDefaultTenant;
};

void add_store_options(CLI::App& verb, StoreOptions* options);  // --store, --tenant

// kNotFound when there is no such file.
Result<std::unique_ptr<EvidenceStore>> open_existing_store(const StoreOptions& options);

}  // namespace vivace
