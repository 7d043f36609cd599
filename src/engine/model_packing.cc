#include "engine/model_packing.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "base/cpu_topology.h"
#include "engine/model_comparison.h"
#include "engine/sample_texts.h"
#include "formats/unpacked_folder.h"
#include "heads/encoder_model.h"
#include "kernels/registry.h"
#include "models/calibrated_rounding.h"
#include "models/encoder_decoder.h"
#include "models/weight_loading.h"
#include "text/tokenizer.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Closeness kWanted{.mean = 0.9995, .lowest = 0.998};
constexpr int kMostTokens = 128;  // of a text
constexpr size_t kMostTexts = 1000;

Result<PackedBatch> tokenize(const ModelDirectory& directory, std::vector<std::string> texts) {
  if (texts.size() > kMostTexts) texts.resize(kMostTexts);
  ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::from_directory(directory.path(), directory.model_type()));
  EncodeOptions options;
  options.max_tokens = std::min(kMostTokens, directory.tokenizer_max_tokens().value_or(kMostTokens));
  PackedBatch batch;
  for (const std::string& text : texts) {
    TokenSequence tokens;
    RETURN_IF_ERROR(tokenizer->encode(text, options, &tokens));
    if (!tokens.ids.empty()) batch.append(tokens.ids, tokens.type_ids);
  }
  if (batch.sequences() > 0) return batch;
  return error(StatusCode::kInvalidArgument, "none of the texts has a token");
}

// "encoder.layer.3" of "encoder.layer.3.output.dense.weight": the layers, by the beginning of their tensors' names.
std::vector<std::string> layer_names(const WeightFiles& files) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const auto& [name, tensor] : files.tensors()) {
    for (size_t begin = 0; begin < name.size();) {
      const size_t end = std::min(name.find('.', begin), name.size());
      const auto part = std::string_view(name).substr(begin, end - begin);
      const bool is_number = !part.empty() && std::ranges::all_of(part, [](char c) {
        return std::isdigit(static_cast<unsigned char>(c));
      });
      if (is_number && seen.insert(name.substr(0, end)).second) names.push_back(name.substr(0, end));
      if (is_number) break;
      begin = end + 1;
    }
  }
  return names;
}

Result<void> check_calibrates(const ModelDirectory& directory, Precision precision) {
  if (precision != Precision::kInt8) {
    return error(StatusCode::kUnsupported,
                 "calibration is for --precision int8, not for " + std::string(precision_name(precision)));
  }
  if (!writes_text(directory)) return {};
  return error(StatusCode::kUnsupported,
               directory.path() + ": calibration is for encoders, and this model writes text; leave it out");
}

Result<void> load_any(const ModelDirectory& directory, const LoadTarget& target) {
  if (writes_text(directory)) {
    ASSIGN_OR_RETURN(const auto model, load_encoder_decoder(directory, target));
  } else {
    ASSIGN_OR_RETURN(const auto model, load_encoder_model(directory, target));
  }
  return {};
}

template <typename Load>
Result<double> time_load(Load load) {
  const auto start = Clock::now();
  RETURN_IF_ERROR(load());
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class Packing {
 public:
  Packing(const ModelDirectory& directory, LoadTarget target, PackedBatch batch, int threads)
      : m_directory(directory), m_target(std::move(target)), m_batch(std::move(batch)), m_pool(threads) {}

  Result<void> calibrate(const PackedBatch& batch, PackReport* report) {
    ASSIGN_OR_RETURN(auto products, record_inputs(m_directory, m_target, batch, m_pool));
    m_calibration.emplace(std::move(products), m_pool);
    m_target.calibration = &*m_calibration;
    report->calibration_texts = batch.sequences();
    return {};
  }

  Result<void> judge(PackReport* report) {
    ASSIGN_OR_RETURN(m_exact, observe_model(m_directory, m_target.in_fp32(), m_batch, m_pool));
    ASSIGN_OR_RETURN(ModelBehaviour found, observe_model(m_directory, m_target, m_batch, m_pool));
    report->overall = closeness(found);
    if (m_target.precision == Precision::kInt8 && !is_close(report->overall)) {
      ASSIGN_OR_RETURN(found, keep_some_in_bf16(report));
    }
    for (size_t i = 0; i < m_exact.layers.size(); ++i) {
      report->layers.push_back(compare_rows(m_exact.layers[i], found.layers[i], m_exact.hidden_size));
    }
    report->label_agreement = label_agreement(m_exact, found);
    if (m_calibration) report->calibrated_layers = m_calibration->rounded_layers();
    report->texts = m_batch.sequences();
    return {};
  }

  Result<void> write(PackReport* report) {
    {
      PackedFileWriter writer(report->path);
      LoadTarget target = m_target;
      target.writer = &writer;
      RETURN_IF_ERROR(load_any(m_directory, target));
      RETURN_IF_ERROR(add_model_files(m_directory.path(), &writer));
      RETURN_IF_ERROR(writer.finish({.table = m_target.kernels.name,
                                     .precision = m_target.precision,
                                     .kept_in_bf16 = m_target.kept_in_bf16,
                                     .source = fingerprint(m_directory.path())}));
    }
    LoadTarget plain = m_target;
    plain.calibration = nullptr;
    ASSIGN_OR_RETURN(report->checkpoint_load_ms, time_load([&] { return load_any(m_directory, plain); }));
    ASSIGN_OR_RETURN(report->load_ms, time_load([&]() -> Result<void> {
                       ASSIGN_OR_RETURN(const ModelDirectory packed, ModelDirectory::open(report->path));
                       ASSIGN_OR_RETURN(const LoadTarget target,
                                        choose_target(packed, m_target.kernels, m_target.precision));
                       report->file_bytes = target.packed->bytes();
                       // Those of a copy beside a layer in more than int8 are of no interest.
                       if (target.is_quantized()) report->outliers = target.packed->outliers();
                       return load_any(packed, target);
                     }));
    return {};
  }

 private:
  Closeness closeness(const ModelBehaviour& found) const {
    return compare_rows(m_exact.results, found.results, m_exact.result_size);
  }
  static bool is_close(const Closeness& c) { return c.mean >= kWanted.mean && c.lowest >= kWanted.lowest; }

  // What each layer costs when it alone is in int8, the dearest first.
  Result<std::vector<PackReport::Kept>> rank_layers() {
    ASSIGN_OR_RETURN(const WeightFiles files, open_weights(m_directory.path(), m_target));
    const std::vector<std::string> names = layer_names(files);
    std::vector<PackReport::Kept> ranked;
    for (const std::string& name : names) {
      LoadTarget target = m_target;
      for (const std::string& other : names) {
        if (other != name) target.kept_in_bf16.push_back(other);
      }
      ASSIGN_OR_RETURN(const ModelBehaviour found, observe_model(m_directory, target, m_batch, m_pool));
      ranked.push_back({name, 1 - closeness(found).mean});
    }
    std::ranges::stable_sort(ranked, std::greater<>(), &PackReport::Kept::loss);
    return ranked;
  }

  Result<ModelBehaviour> keep_some_in_bf16(PackReport* report) {
    ASSIGN_OR_RETURN(const std::vector<PackReport::Kept> ranked, rank_layers());
    ModelBehaviour found;
    for (const PackReport::Kept& layer : ranked) {
      report->kept_in_bf16.push_back(layer);
      m_target.kept_in_bf16.push_back(layer.layer);
      ASSIGN_OR_RETURN(found, observe_model(m_directory, m_target, m_batch, m_pool));
      report->overall = closeness(found);
      if (is_close(report->overall)) break;
    }
    if (ranked.empty()) return observe_model(m_directory, m_target, m_batch, m_pool);
    return found;
  }

  const ModelDirectory& m_directory;
  LoadTarget m_target;
  PackedBatch m_batch;
  ThreadPool m_pool;
  std::optional<CalibratedRounding> m_calibration;
  ModelBehaviour m_exact;
};

// Only an earlier packed file may be lost to a new one.
Result<void> check_replaceable(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored) || is_packed_file(path)) return {};
  return error(StatusCode::kInvalidArgument, path + " is there and is no packed file; choose another --output");
}

}  // namespace

Result<PackReport> pack_model(const PackOptions& options) {
  ASSIGN_OR_RETURN(const KernelTable* const kernels, select_kernel_table(options.isa));
  ASSIGN_OR_RETURN(const ModelDirectory directory, ModelDirectory::open(options.directory));
  if (directory.packed() != nullptr) {
    return error(StatusCode::kInvalidArgument, options.directory + ": is packed already; give the checkpoint's folder");
  }
  ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::open(directory.path()));
  LoadTarget target(*kernels, layer_precision(directory, *kernels, options.precision));
  const bool calibrates = !options.calibration.empty();
  if (calibrates) RETURN_IF_ERROR(check_calibrates(directory, target.precision));
  ASSIGN_OR_RETURN(PackedBatch batch, tokenize(directory, options.texts.empty() ? sample_texts() : options.texts));
  PackReport report;
  report.table = kernels->name;
  report.precision = target.precision;
  report.checkpoint_bytes = files.total_bytes();
  report.path = !options.output.empty() ? options.output
                                        : directory.path() + "/" + packed_file_name(kernels->name, target.precision);
  if (!options.output.empty()) RETURN_IF_ERROR(check_replaceable(options.output));
  const int threads = options.threads > 0 ? options.threads : read_cpu_limits().usable_threads();
  Packing packing(directory, target, std::move(batch), threads);
  if (calibrates) {
    ASSIGN_OR_RETURN(const PackedBatch read, tokenize(directory, options.calibration));
    RETURN_IF_ERROR(packing.calibrate(read, &report));
  }
  RETURN_IF_ERROR(packing.judge(&report));
  // What is written beside a checkpoint is taken from then on.
  report.is_written = report.worst() >= options.least;
  if (report.is_written) RETURN_IF_ERROR(packing.write(&report));
  return report;
}

}  // namespace vivace
