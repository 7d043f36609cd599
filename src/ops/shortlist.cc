#include "ops/shortlist.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "telemetry/trace.h"
#include "tensor/bfloat16.h"

namespace vivace {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
// Rows and columns up to this norm have finite products, whatever is added up in whichever order.
constexpr double kLargestNorm = 1e18;
// Twice the unit roundoff of fp32: generous, since the bounds below are.
constexpr double kRoundoff = 0x1p-23;
// What numbers that are too small for fp32 may lose for each input; far more than bf16's instructions flush to zero.
constexpr double kUnderflow = 0x1p-120;

// |coarse - exact| of output j ≤ norm · norms[j] + error · errors[j] + rest.
struct RowBound {
  float norm;
  float error;
  float rest;
  float threshold;  // what some output that is not apart reaches for certain
};

// What the threads share.
struct Search {
  const KernelTable& kernels;
  const Linear& layer;
  const Shortlist& shortlist;
  LinearInput exact;
  LinearInput coarse;
  std::span<const int32_t> apart;
  MatrixView<float> out;
  RowBound* bounds;  // [rows]
  int32_t* best;     // [threads][rows] of each thread's outputs: the roughly highest, -1: none

  int width() const { return layer.weight.panel_width(); }
  Range columns(Range panels) const {
    const int n = layer.weight.n();
    return {std::min(n, panels.begin * width()), std::min(n, panels.end * width())};
  }
  bool is_apart(int column) const { return std::ranges::find(apart, column) != apart.end(); }
};

// The threshold is left to settle_threshold(); for rows that cannot be bounded it is -infinity.
RowBound bound_row(const Search& search, int row) {
  const PackedMatrix& coarse = search.shortlist.coarse.weight;
  const float* x = search.exact.x.row(row);
  const bool is_bf16 = search.layer.weight.dtype() == DType::kBF16;
  const auto scale = static_cast<double>(search.coarse.prepared.scales[row]);
  double norm = 0;
  double error = 0;
  auto outlier = coarse.outliers().begin();
  for (int i = 0; i < search.exact.x.columns; ++i) {
    const auto seen = static_cast<double>(is_bf16 ? from_bf16(to_bf16(x[i])) : x[i]);
    double rough = scale * prepared_integer(search.kernels, search.coarse.prepared, row, i);
    if (outlier != coarse.outliers().end() && *outlier == i) {
      rough = static_cast<double>(x[i]);
      ++outlier;
    }
    norm += seen * seen;
    error += (seen - rough) * (seen - rough);
  }
  norm = std::sqrt(norm);
  error = std::sqrt(error);
  if (!(norm <= kLargestNorm && error <= kLargestNorm)) return {0, 0, 0, kImpossible};
  const double k = search.exact.x.columns;
  const double rounding = kRoundoff * (k + static_cast<double>(coarse.outliers().size()) + 16) * (norm + error);
  const double tiny = kUnderflow * k;
  constexpr double kUp = 1 + 1e-5;  // these are rounded to fp32, and what is made of them again
  return {.norm = static_cast<float>((error + rounding) * kUp + tiny),
          .error = static_cast<float>((norm + rounding) * kUp + tiny),
          .rest = static_cast<float>(tiny * (1 + norm)),
          .threshold = 0};
}

// Rough outputs of these panels, and each row's highest among them.
void scan_panels(const Search& search, Range panels, int32_t* best) {
  const Range columns = search.columns(panels);
  const int rows = search.out.rows;
  linear_part(search.kernels, search.coarse, search.shortlist.coarse, {0, rows}, panels,
              search.out.slice_columns(columns.begin, columns.end));
  for (int row = 0; row < rows; ++row) {
    float* outputs = search.out.row(row);
    for (const int32_t column : search.apart) {
      if (column >= columns.begin && column < columns.end) outputs[column] = kImpossible;
    }
    float highest = kImpossible;
    best[row] = -1;
    for (int column = columns.begin; column < columns.end; ++column) {
      if (!(outputs[column] > highest)) continue;
      highest = outputs[column];
      best[row] = column;
    }
  }
}

// Computes the panel with the row's roughly highest output. The highest of it is what others have to reach.
//   scratch  [width]
void settle_threshold(const Search& search, int row, int threads, float* scratch) {
  RowBound& bound = search.bounds[row];
  if (bound.threshold == kImpossible) return;
  int32_t best = -1;
  for (int thread = 0; thread < threads; ++thread) {
    const int32_t column = search.best[thread * search.out.rows + row];
    if (column < 0) continue;
    if (best < 0 || search.out.row(row)[column] > search.out.row(row)[best]) best = column;
  }
  bound.threshold = kImpossible;
  if (best < 0) return;
  const int panel = best / search.width();
  const Range columns = search.columns({panel, panel + 1});
  const int count = columns.end - columns.begin;
  linear_part(search.kernels, search.exact, search.layer, {row, row + 1}, {panel, panel + 1},
              {scratch, 1, count, count});
  for (int i = 0; i < count; ++i) {
    if (!search.is_apart(columns.begin + i)) bound.threshold = std::max(bound.threshold, scratch[i]);
  }
}

// Whether some output of the panel may be as high as the threshold. What is not a number may.
bool has_chance(const Search& search, Range columns, int row) {
  const RowBound bound = search.bounds[row];
  const float* norms = search.shortlist.norms.data();
  const float* errors = norms + search.layer.weight.n();
  const float* outputs = search.out.row(row);
  int any = 0;  // not bool, which compilers do not turn into vectors beside floats
  for (int column = columns.begin; column < columns.end; ++column) {
    const float highest = outputs[column] + (bound.norm * norms[column] + bound.error * errors[column] + bound.rest);
    any |= static_cast<int>(!(highest < bound.threshold));
  }
  return any != 0;
}

// Computes a panel for the rows that need it. Neighbouring rows do it together: they read the weights once.
void settle_panel(const Search& search, int panel) {
  const Range columns = search.columns({panel, panel + 1});
  const bool always = std::ranges::any_of(search.apart, [&](int32_t id) { return id / search.width() == panel; });
  const auto is_needed = [&](int row) { return always || has_chance(search, columns, row); };
  const MatrixView<float> out = search.out.slice_columns(columns.begin, columns.end);
  for (int row = 0; row < out.rows;) {
    if (!is_needed(row)) {
      std::fill_n(out.row(row++), out.columns, kImpossible);
      continue;
    }
    int end = row + 1;
    while (end < out.rows && is_needed(end)) ++end;
    linear_part(search.kernels, search.exact, search.layer, {row, end}, {panel, panel + 1}, out.slice_rows(row, end));
    row = end;
  }
}

// Adds to the squares of each column of a panel: of the copy's weights, and of what these miss.
void add_squares(const float* exact, const float* coarse, int k, std::span<double> norms, std::span<double> errors) {
  for (int i = 0; i < k; ++i) {
    for (size_t j = 0; j < norms.size(); ++j) {
      const auto rough = static_cast<double>(*coarse++);
      const double miss = static_cast<double>(*exact++) - rough;
      norms[j] += rough * rough;
      errors[j] += miss * miss;
    }
  }
}

}  // namespace

AlignedBuffer<float> shortlist_norms(const PackedMatrix& exact, const PackedMatrix& coarse) {
  CHECK(exact.k() == coarse.k() && exact.n() == coarse.n() && exact.panel_width() == coarse.panel_width());
  const auto n = static_cast<size_t>(exact.n());
  const auto width = static_cast<size_t>(exact.panel_width());
  const size_t values = static_cast<size_t>(exact.k()) * width;
  std::vector<float> weights(2 * values);
  AlignedBuffer<float> norms(2 * n);
  for (int panel = 0; panel < exact.panels(); ++panel) {
    exact.unpack_panel(panel, weights.data());
    coarse.unpack_panel(panel, weights.data() + values);
    std::vector<double> squares(2 * width);
    add_squares(weights.data(), weights.data() + values, exact.k(), std::span(squares).first(width),
                std::span(squares).last(width));
    const size_t first = static_cast<size_t>(panel) * width;
    for (size_t j = 0; j < std::min(width, n - first); ++j) {
      const double norm = std::sqrt(squares[j]);
      // The copy's weights are products of fp32, rounded here and not where they are multiplied.
      const double error = std::sqrt(squares[width + j]) + kRoundoff * norm;
      if (!(norm <= kLargestNorm && error <= kLargestNorm)) return {};
      norms.data()[first + j] = static_cast<float>(norm * (1 + 1e-6));
      norms.data()[n + first + j] = static_cast<float>(error * (1 + 1e-6));
    }
  }
  return norms;
}

void linear_highest(const ExecutionContext& context, MatrixView<const float> x, const Linear& layer,
                    const Shortlist& shortlist, std::span<const int32_t> apart, MatrixView<float> out) {
  TRACE_ZONE("linear_highest");
  const int n = layer.weight.n();
  CHECK(!shortlist.empty() && shortlist.coarse.weight.dtype() == DType::kI8 && layer.bias.size() == 0);
  CHECK(x.columns == layer.weight.k() && out.columns == n && x.rows == out.rows);
  CHECK(std::ranges::all_of(apart, [n](int32_t id) { return id >= 0 && id < n; }));
  Arena& arena = context.scratch[0];
  const Arena::Scope scope(arena);
  const int threads = context.threads();
  const auto rows = static_cast<size_t>(x.rows);
  static_assert(sizeof(RowBound) == 4 * sizeof(float) && sizeof(int32_t) == sizeof(float));
  const Search search{.kernels = *context.kernels,
                      .layer = layer,
                      .shortlist = shortlist,
                      .exact = prepare_linear(context, x, layer),
                      .coarse = prepare_linear(context, x, shortlist.coarse),
                      .apart = apart,
                      .out = out,
                      .bounds = reinterpret_cast<RowBound*>(arena.floats(4 * rows)),
                      .best = reinterpret_cast<int32_t*>(arena.floats(rows * static_cast<size_t>(threads)))};
  const MatrixView<float> scratch = arena.matrix(threads, search.width());
  context.run([&](int thread) {
    const Range own = split_range(x.rows, threads, thread);
    for (int row = own.begin; row < own.end; ++row) search.bounds[row] = bound_row(search, row);
    scan_panels(search, split_range(layer.weight.panels(), threads, thread), search.best + thread * x.rows);
  });
  context.run([&](int thread) {
    const Range own = split_range(x.rows, threads, thread);
    for (int row = own.begin; row < own.end; ++row) settle_threshold(search, row, threads, scratch.row(thread));
  });
  context.run([&](int thread) {
    const Range panels = split_range(layer.weight.panels(), threads, thread);
    for (int panel = panels.begin; panel < panels.end; ++panel) settle_panel(search, panel);
  });
}

}  // namespace vivace
