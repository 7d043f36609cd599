#include "ops/embedding.h"

#include <cstring>

#include "telemetry/trace.h"

namespace vivace {

void sum_embeddings(const ExecutionContext& context, std::span<const EmbeddingLookup> lookups, MatrixView<float> out) {
  TRACE_ZONE("sum_embeddings");
  CHECK(!lookups.empty());
  const auto columns = static_cast<size_t>(out.columns);
  for (const auto& lookup : lookups) {
    CHECK(lookup.table.columns == out.columns && lookup.indices.size() == static_cast<size_t>(out.rows));
  }
  context.run([&](int thread) {
    const Range rows = split_range(out.rows, context.threads(), thread);
    for (int row = rows.begin; row < rows.end; ++row) {
      const auto entry = [&](const EmbeddingLookup& lookup) {
        const int32_t index = lookup.indices[static_cast<size_t>(row)];
        CHECK(index >= 0 && index < lookup.table.rows);
        return lookup.table.row(index);
      };
      std::memcpy(out.row(row), entry(lookups[0]), columns * sizeof(float));
      for (const auto& lookup : lookups.subspan(1)) context.kernels->add_f32(entry(lookup), out.row(row), columns);
    }
  });
}

}  // namespace vivace
