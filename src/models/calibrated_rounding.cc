#include "models/calibrated_rounding.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>

#include "models/batch_forward.h"
#include "models/encoder.h"
#include "ops/execution_context.h"

namespace vivace {
namespace {

// Added to the diagonal, as a share of its mean: so that what the texts do not say is not taken for certain. The fewer
// rows there are for an input, the more. On all-MiniLM-L6-v2 ten times as much of either gives away a tenth of the
// gain.
constexpr double kDamping = 0.01;
constexpr double kDampingForAnInputARow = 1;
constexpr float kLargestInteger = 127;
constexpr int kTokensAPass = 2048;   // of those that are recorded
constexpr int kOutputsTogether = 8;  // that use a row of the factor while it is in the cache

double diagonal(const InputProducts& products, int32_t input) {
  return static_cast<double>(products.sums.data()[static_cast<ptrdiff_t>(input) * (products.inputs + 1)]);
}

// The inputs that are rounded, from the weakest on: the last is rounded first, when no error is to be made good yet.
std::vector<int32_t> rounding_order(const InputProducts& products, std::span<const int32_t> outliers) {
  std::vector<int32_t> order;
  for (int32_t input = 0; input < products.inputs; ++input) {
    if (!std::ranges::binary_search(outliers, input)) order.push_back(input);
  }
  std::ranges::stable_sort(order, {}, [&](int32_t input) { return diagonal(products, input); });
  return order;
}

// A lower triangle, row by row, of a square.
template <typename T>
struct Triangle {
  explicit Triangle(size_t n) : size(n), values(n * n) {}
  T* row(size_t i) { return values.data() + i * size; }
  const T* row(size_t i) const { return values.data() + i * size; }
  size_t size;
  AlignedBuffer<T> values;
};

std::optional<Triangle<double>> damped_products(const InputProducts& products, const std::vector<int32_t>& order) {
  const auto count = static_cast<double>(order.size());
  double sum = 0;
  for (const int32_t input : order) sum += diagonal(products, input);
  if (!(sum > 0) || !std::isfinite(sum)) return std::nullopt;
  const double damping = kDamping + kDampingForAnInputARow * count / static_cast<double>(products.rows);
  Triangle<double> damped(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const float* sums = products.sums.data() + static_cast<ptrdiff_t>(order[i]) * products.inputs;
    for (size_t j = 0; j <= i; ++j) damped.row(i)[j] = static_cast<double>(sums[order[j]]);
    damped.row(i)[i] += damping * sum / count;
  }
  return damped;
}

// Cholesky's L with L·Lᵀ = a, in place of a. False: there is none.
bool factorize(Triangle<double>* a, ThreadPool& pool) {
  std::vector<double> column(a->size);
  for (size_t k = 0; k < a->size; ++k) {
    const double pivot = a->row(k)[k];
    if (!(pivot > 0) || !std::isfinite(pivot)) return false;
    const double root = std::sqrt(pivot);
    a->row(k)[k] = root;
    for (size_t i = k + 1; i < a->size; ++i) column[i] = a->row(i)[k] /= root;
    pool.run([&](int part) {
      const auto threads = static_cast<size_t>(pool.threads());
      for (size_t i = k + 1 + static_cast<size_t>(part); i < a->size; i += threads) {
        double* row = a->row(i);
        const double factor = column[i];
        for (size_t j = k + 1; j <= i; ++j) row[j] -= factor * column[j];
      }
    });
  }
  return true;
}

// What an error of one at input i of the order adds to where each input j before it is best rounded from: row i.
std::optional<Triangle<float>> error_feedback(const InputProducts& products, const std::vector<int32_t>& order,
                                              ThreadPool& pool) {
  auto factor = damped_products(products, order);
  if (!factor || !factorize(&*factor, pool)) return std::nullopt;
  Triangle<float> feedback(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      feedback.row(i)[j] = static_cast<float>(factor->row(i)[j] / factor->row(j)[j]);
    }
  }
  return feedback;
}

// One output: its weights in steps of its scale, in the order of rounding.
struct Rounding {
  std::vector<float> exact;
  std::vector<float> wanted;  // with the errors of those that are rounded made good
  int8_t* integers;           // [k]
};

void round_outputs(std::span<Rounding> outputs, const Triangle<float>& feedback, const std::vector<int32_t>& order) {
  for (size_t i = order.size(); i-- > 0;) {
    const float* row = feedback.row(i);
    for (Rounding& output : outputs) {
      const float integer = std::clamp(std::nearbyint(output.wanted[i]), -kLargestInteger, kLargestInteger);
      output.integers[order[i]] = static_cast<int8_t>(integer);
      const float error = output.exact[i] - integer;
      float* wanted = output.wanted.data();
      for (size_t j = 0; j < i; ++j) wanted[j] += error * row[j];
    }
  }
}

}  // namespace

Result<std::map<std::string, InputProducts>> record_inputs(const ModelDirectory& directory, const LoadTarget& target,
                                                           const PackedBatch& batch, ThreadPool& pool) {
  InputRecorder recorder;
  LoadTarget recorded = target.in_fp32();
  recorded.recorder = &recorder;
  ASSIGN_OR_RETURN(const auto encoder, load_encoder(directory, recorded));
  ForwardWorkspace workspace(pool.threads());
  const ExecutionContext context{&target.kernels, &pool, workspace.arenas(), &recorder};
  const int columns = encoder->info().hidden_size;
  std::vector<int32_t> offsets;
  for (const SequenceGroup& group : cut_into_groups(batch, kTokensAPass)) {
    const BatchSlice part = slice_batch(batch, group, &offsets);
    std::vector<float> hidden(static_cast<size_t>(part.tokens()) * static_cast<size_t>(columns));
    encoder->forward(context, part, {hidden.data(), part.tokens(), columns, columns}, nullptr);
  }
  return recorder.take_products();
}

std::vector<int8_t> round_for_inputs(const InputProducts& products, const float* weights, const PackedMatrix& matrix,
                                     ThreadPool& pool) {
  CHECK(matrix.dtype() == DType::kI8 && products.inputs == matrix.k());
  const std::vector<int32_t> order = rounding_order(products, matrix.outliers());
  const auto feedback = error_feedback(products, order, pool);
  if (!feedback) return {};
  const auto k = static_cast<ptrdiff_t>(matrix.k());
  std::vector<int8_t> integers(static_cast<size_t>(matrix.n()) * static_cast<size_t>(k));
  pool.run([&](int part) {
    const Range own = split_range(matrix.n(), pool.threads(), part);
    for (int first = own.begin; first < own.end; first += kOutputsTogether) {
      std::vector<Rounding> outputs;
      for (int output = first; output < std::min(first + kOutputsTogether, own.end); ++output) {
        const float scale = matrix.scales()[output];
        if (!std::isnormal(scale)) continue;  // all zeros
        Rounding& rounding = outputs.emplace_back();
        for (const int32_t input : order) rounding.exact.push_back(weights[output * k + input] / scale);
        rounding.wanted = rounding.exact;
        rounding.integers = integers.data() + output * k;
      }
      round_outputs(outputs, *feedback, order);
    }
  });
  return integers;
}

void CalibratedRounding::round(const std::string& layer, const float* weights, PackedMatrix* matrix) {
  if (const auto products = m_products.find(layer); products != m_products.end()) {
    if (products->second.inputs != matrix->k()) return;
    m_integers[layer] = round_for_inputs(products->second, weights, *matrix, m_pool);
    m_products.erase(products);
  }
  const auto found = m_integers.find(layer);
  const auto k = static_cast<size_t>(matrix->k());
  if (found == m_integers.end() || found->second.size() != k * static_cast<size_t>(matrix->n())) return;
  for (int output = 0; output < matrix->n(); ++output) {
    matrix->set_integers(output, std::span(found->second).subspan(static_cast<size_t>(output) * k, k));
  }
}

}  // namespace vivace
