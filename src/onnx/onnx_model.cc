#include "onnx/onnx_model.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/cpu_topology.h"
#include "formats/json_file.h"
#include "onnx/onnx_info.h"
#include "onnx/onnx_signature.h"
#include "onnx/openvino_module.h"
#include "onnx/padded_groups.h"

namespace vivace {
namespace {

// Enough work for a product to run at full speed, little enough for its results to stay in the caches.
constexpr int kMaxPlaces = 2048;
// Where neither config.json nor the tokenizer has a limit.
constexpr int kDefaultMaxTokens = 512;

class OnnxModel final : public Model {
 public:
  OnnxModel(std::unique_ptr<const OnnxSession> session, OnnxSignature signature, EncoderInfo info, PaddingRule rule)
      : m_session(std::move(session)), m_signature(std::move(signature)), m_info(std::move(info)), m_rule(rule) {}

  const EncoderInfo& info() const override { return m_info; }
  int columns(ModelOutput output) const override {
    const std::optional<OnnxOutput>& port = m_signature.output(output);
    return port ? port->columns : 0;
  }
  Result<MatrixView<const float>> run(const PackedBatch& batch, ModelOutput output, ThreadPool& pool,
                                      ForwardWorkspace& workspace) const override;

 private:
  void check(const PackedBatch& batch) const;
  OnnxFeed make_feed(const PackedBatch& batch, const PaddedGroup& group) const;

  std::unique_ptr<const OnnxSession> m_session;
  OnnxSignature m_signature;
  EncoderInfo m_info;
  PaddingRule m_rule;
};

void OnnxModel::check(const PackedBatch& batch) const {
  const auto all_below = [](const std::vector<int32_t>& values, int limit) {
    return std::ranges::all_of(values, [limit](int32_t value) { return 0 <= value && value < limit; });
  };
  CHECK(batch.sequences() > 0 && batch.tokens() > 0);
  CHECK(all_below(batch.ids, m_info.vocabulary_size) && all_below(batch.positions, m_info.max_tokens));
  CHECK(m_info.type_vocabulary_size == 0 || all_below(batch.type_ids, m_info.type_vocabulary_size));
}

// Places behind a sequence's end hold zeros in every input: where there are any, the mask says that they do not count.
OnnxFeed OnnxModel::make_feed(const PackedBatch& batch, const PaddedGroup& group) const {
  OnnxFeed feed{.sequences = static_cast<int>(group.sequences.size()), .tokens = group.longest, .values = {}};
  const size_t width = static_cast<size_t>(group.longest);
  for (const OnnxInput input : m_signature.inputs) {
    std::vector<int64_t>& values = feed.values.emplace_back(group.sequences.size() * width, 0);
    const std::vector<int32_t>& source = input == OnnxInput::kTypes       ? batch.type_ids
                                         : input == OnnxInput::kPositions ? batch.positions
                                                                          : batch.ids;
    for (size_t row = 0; row < group.sequences.size(); ++row) {
      const auto sequence = static_cast<size_t>(group.sequences[row]);
      const auto begin = source.begin() + batch.offsets[sequence];
      const auto end = source.begin() + batch.offsets[sequence + 1];
      const auto target = values.begin() + static_cast<ptrdiff_t>(row * width);
      if (input == OnnxInput::kMask) {
        std::fill(target, target + (end - begin), 1);
      } else {
        std::copy(begin, end, target);
      }
    }
  }
  return feed;
}

bool is_per_token(ModelOutput output) {
  return output == ModelOutput::kHiddenStates || output == ModelOutput::kTokenLogits;
}

// Takes a group's rectangle apart into the rows of its sequences.
void take_rows(const PackedBatch& batch, const PaddedGroup& group, ModelOutput output, const float* data,
               MatrixView<float> rows) {
  const auto columns = static_cast<size_t>(rows.columns);
  for (size_t i = 0; i < group.sequences.size(); ++i) {
    const auto sequence = static_cast<size_t>(group.sequences[i]);
    const bool per_token = is_per_token(output);
    const int first = per_token ? batch.offsets[sequence] : static_cast<int>(sequence);
    const int count = per_token ? batch.offsets[sequence + 1] - first : 1;
    const size_t place = per_token ? i * static_cast<size_t>(group.longest) : i;
    std::copy_n(data + place * columns, static_cast<size_t>(count) * columns, rows.row(first));
  }
}

Result<MatrixView<const float>> OnnxModel::run(const PackedBatch& batch, ModelOutput output, ThreadPool& /*pool*/,
                                               ForwardWorkspace& workspace) const {
  const std::optional<OnnxOutput>& port = m_signature.output(output);
  CHECK(port.has_value());
  check(batch);
  for (Arena& arena : workspace.arenas()) arena.reset();
  const int row_count = is_per_token(output) ? batch.tokens() : batch.sequences();
  const MatrixView<float> rows = workspace.arenas()[0].matrix(row_count, port->columns);
  for (const PaddedGroup& group : cut_into_padded_groups(batch, m_rule, kMaxPlaces)) {
    std::vector<int64_t> expected{static_cast<int64_t>(group.sequences.size())};
    if (is_per_token(output)) expected.push_back(group.longest);
    expected.push_back(port->columns);
    bool has_shape = false;
    RETURN_IF_ERROR(m_session->run(make_feed(batch, group), port->index, [&](const OnnxTensor& result) {
      has_shape = result.dims == expected;
      if (has_shape) take_rows(batch, group, output, result.data, rows);
    }));
    if (!has_shape)
      return error(StatusCode::kInternal,
                   "the ONNX file's output '" + port->name + "' has another shape than its inputs ask for");
  }
  return MatrixView<const float>(rows);
}

// A size that the file and config.json must agree on; the configuration fills in what the file leaves open.
Result<void> agree(const std::string& origin, const std::string& what, int64_t file, int64_t config) {
  if (file == 0 || config == 0 || file == config) return {};
  return error(StatusCode::kCorruptFile, origin + ": " + what + " is " + std::to_string(file) +
                                             ", but config.json says " + std::to_string(config));
}

Result<int> count_labels(const JsonValue& config) {
  constexpr int64_t kMaxLabels = 1'000'000;
  if (const auto labels = config.find("id2label")) {
    ASSIGN_OR_RETURN(const auto members, labels->as_object());
    return static_cast<int>(members.size());
  }
  ASSIGN_OR_RETURN(const int64_t labels, config.integer_or("num_labels", 0, 0, kMaxLabels));
  return static_cast<int>(labels);
}

Result<void> settle_columns(std::optional<OnnxOutput>* output, const std::string& origin, int config) {
  if (!*output) return {};
  RETURN_IF_ERROR(
      agree(origin, "the number of columns of output '" + (*output)->name + "'", (*output)->columns, config));
  if ((*output)->columns == 0) (*output)->columns = config;
  if ((*output)->columns > 0) return {};
  return error(StatusCode::kUnsupported, origin + ": neither the file nor config.json says how many columns output '" +
                                             (*output)->name + "' has");
}

Result<void> settle_outputs(const JsonValue& config, const EncoderInfo& info, const std::string& origin,
                            OnnxSignature* signature) {
  ASSIGN_OR_RETURN(const int labels, as_file_error(count_labels(config)));
  RETURN_IF_ERROR(settle_columns(&signature->hidden, origin, info.hidden_size));
  RETURN_IF_ERROR(settle_columns(&signature->sequences, origin, labels));
  // A masked language model's logits are one for each vocabulary entry.
  const bool fills_masks = signature->tokens && signature->tokens->columns == info.vocabulary_size;
  RETURN_IF_ERROR(settle_columns(&signature->tokens, origin, fills_masks ? info.vocabulary_size : labels));
  // A pooling file may end in a projection to another size than the hidden one.
  const bool is_open = signature->vector && signature->vector->columns == 0;
  return settle_columns(&signature->vector, origin, is_open ? info.hidden_size : 0);
}

// Numbers past a table's end would be answered with zeros instead of an error.
Result<void> check_tables(const OnnxSession& session, const OnnxSignature& signature, const std::string& origin,
                          EncoderInfo* info) {
  for (size_t i = 0; i < signature.inputs.size(); ++i) {
    const int64_t rows = session.table_rows(i);
    if (rows == 0) continue;
    switch (signature.inputs[i]) {
      case OnnxInput::kIds: RETURN_IF_ERROR(agree(origin, "the vocabulary", rows, info->vocabulary_size)); break;
      case OnnxInput::kTypes:
        RETURN_IF_ERROR(agree(origin, "the number of token types", rows, info->type_vocabulary_size));
        info->type_vocabulary_size = static_cast<int>(std::min<int64_t>(rows, 1'000'000));
        break;
      case OnnxInput::kPositions: info->max_tokens = static_cast<int>(std::min<int64_t>(rows, info->max_tokens)); break;
      case OnnxInput::kMask: break;
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<const Model>> make_onnx_model(const ModelDirectory& directory, const OnnxFileFacts& facts,
                                                     std::unique_ptr<const OnnxSession> session) {
  const std::string& origin = facts.path;
  ASSIGN_OR_RETURN(OnnxSignature signature, read_onnx_signature(*session, origin));
  ASSIGN_OR_RETURN(EncoderInfo info, as_file_error(read_onnx_info(directory.config())));
  if (signature.has(OnnxInput::kPositions) && positions_start_after_padding(directory.model_type())) {
    return error(StatusCode::kUnsupported, origin + ": input 'position_ids' is not supported for " +
                                               directory.model_type() + ": export the model without it");
  }
  if (info.max_tokens == 0) info.max_tokens = directory.tokenizer_max_tokens().value_or(kDefaultMaxTokens);
  if (!signature.has(OnnxInput::kTypes)) info.type_vocabulary_size = 0;
  RETURN_IF_ERROR(settle_outputs(directory.config(), info, origin, &signature));
  RETURN_IF_ERROR(check_tables(*session, signature, origin, &info));
  info.architecture = directory.model_type();
  info.parameters = facts.parameters;
  info.file_bytes = facts.file_bytes;
  info.packed_bytes = facts.file_bytes;
  info.weights_dtype = facts.dtype;
  const bool alone = facts.quantizes_dynamically || signature.is_single;
  const PaddingRule rule = alone                             ? PaddingRule::kAlone
                           : signature.has(OnnxInput::kMask) ? PaddingRule::kLittle
                                                             : PaddingRule::kNone;
  return std::make_unique<OnnxModel>(std::move(session), std::move(signature), std::move(info), rule);
}

Result<std::unique_ptr<const Model>> load_onnx_model(const ModelDirectory& directory, const OnnxOptions& options) {
  std::string file = options.file;
  if (file.empty()) {
    const std::optional<std::string> found = find_onnx_file(directory.path());
    if (!found) return error(StatusCode::kNotFound, directory.path() + ": there is no model.onnx, nor onnx/model.onnx");
    file = *found;
  }
  ASSIGN_OR_RETURN(const OnnxFileFacts facts, read_onnx_file(directory.path(), file));
  ASSIGN_OR_RETURN(const OpenOnnxSession open_session, open_openvino_module());
  const int usable = read_cpu_limits().usable_threads();
  const OnnxSessionOptions session_options{.path = directory.path() + "/" + file,
                                           .threads = options.threads < 1 ? usable : std::min(options.threads, usable)};
  OnnxSessionResult session;
  open_session(&session_options, &session);
  if (!session) return std::unexpected(session.error().with_context(session_options.path));
  return make_onnx_model(directory, facts, std::move(*session));
}

}  // namespace vivace
