#include <algorithm>
#include <string>
#include <utility>

#include "engine/input_encoder.h"
#include "engine/tasks.h"
#include "heads/pooling.h"

namespace vivace {
namespace {

// What is done to the rows of each text.
struct EmbedPlan {
  const LoadedModel* model = nullptr;
  bool pooled_inside = false;  // the model gives one vector a text
  ModelOutput output = ModelOutput::kHiddenStates;
  std::vector<PoolingMode> pooling;
  bool normalize = false;
  bool normalize_cut = false;  // the request asks for it, not only the model
  size_t dimensions = 0;       // 0: all

  bool keeps_tokens() const { return pooling.front() == PoolingMode::kNone; }
};

std::string known_prompts(const SentenceEmbeddingConfig& config) {
  std::string names;
  for (const auto& [name, text] : config.prompts) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "it has none" : "known: " + names;
}

Result<std::string> find_prompt(const SentenceEmbeddingConfig& config, const EmbedRequest& request) {
  const std::string name = request.prompt_name.value_or(config.default_prompt_name);
  if (name.empty()) return std::string();
  const auto found = config.prompts.find(name);
  if (found == config.prompts.end()) {
    return error(StatusCode::kInvalidArgument,
                 "the model has no prompt named '" + name + "'; " + known_prompts(config));
  }
  return found->second;
}

ModelOutput output_of(const EmbedPlan& plan) {
  if (plan.pooled_inside) return ModelOutput::kSequenceVector;
  const bool first_only = plan.pooling == std::vector{PoolingMode::kCls};
  const bool has_first = plan.model->model->columns(ModelOutput::kFirstHiddenState) > 0;
  return first_only && has_first ? ModelOutput::kFirstHiddenState : ModelOutput::kHiddenStates;
}

Result<EmbedPlan> make_plan(const LoadedModel& model, const EmbedRequest& request) {
  EmbedPlan plan{.model = &model, .pooling = model.sentence.pooling};
  const TaskConfig& task = model.task;
  plan.pooled_inside = model.model->columns(ModelOutput::kHiddenStates) == 0;
  const bool is_classifier = !task.labels.empty();
  RETURN_IF_ERROR(require_output(model,
                                 is_classifier        ? ModelOutput::kSequenceVector
                                 : plan.pooled_inside ? ModelOutput::kSequenceVector
                                                      : ModelOutput::kHiddenStates,
                                 "embed texts"));
  if (request.pooling) {
    if (plan.pooled_inside) {
      return error(StatusCode::kUnsupported, "the model pools by itself; its pooling cannot be chosen");
    }
    plan.pooling = {*request.pooling};
    if (!model.dense.empty() && !plan.keeps_tokens() && model.sentence.pooling.size() > 1) {
      return error(StatusCode::kUnsupported,
                   "the model's dense layer needs its own pooling; leave `pooling` out or ask for none");
    }
  }
  plan.output = output_of(plan);
  // Token vectors are left as the model gives them unless the caller asks: the model's own setting means its one
  // vector.
  plan.normalize = request.normalize.value_or(model.sentence.normalize && !plan.keeps_tokens());
  plan.normalize_cut = request.normalize.value_or(false);
  const int size = model.embedding_size(plan.keeps_tokens() ? PoolingMode::kNone : request.pooling);
  if (request.dimensions && (*request.dimensions < 1 || *request.dimensions > size)) {
    return error(StatusCode::kInvalidArgument, "dimensions is " + std::to_string(*request.dimensions) +
                                                   ", the model can give 1 to " + std::to_string(size));
  }
  plan.dimensions = static_cast<size_t>(request.dimensions.value_or(0));
  return plan;
}

std::vector<float> pool(const EmbedPlan& plan, MatrixView<const float> rows) {
  const auto columns = static_cast<size_t>(rows.columns);
  if (plan.pooled_inside) return {rows.row(0), rows.row(0) + columns};
  const KernelTable& kernels = *plan.model->kernels;
  if (plan.keeps_tokens()) {
    std::vector<float> values(columns * static_cast<size_t>(rows.rows));
    pool_tokens(kernels, rows, PoolingMode::kNone, values);
    return values;
  }
  std::vector<float> values(columns * plan.pooling.size());
  for (size_t i = 0; i < plan.pooling.size(); ++i) {
    pool_tokens(kernels, rows, plan.pooling[i], std::span(values).subspan(i * columns, columns));
  }
  for (const DenseLayer& dense : plan.model->dense) values = run_dense(kernels, dense, values);
  return values;
}

std::vector<float> embed(const EmbedPlan& plan, MatrixView<const float> rows) {
  std::vector<float> values = pool(plan, rows);
  if (const auto& own = plan.model->sentence.truncate_dim; own && !plan.keeps_tokens()) {
    if (plan.normalize) normalize_l2(*plan.model->kernels, values);
    values.resize(std::min(values.size(), static_cast<size_t>(*own)));
    if (plan.dimensions == 0 && !plan.normalize_cut) return values;
  }
  const size_t vectors = plan.keeps_tokens() ? static_cast<size_t>(rows.rows) : 1;
  const size_t size = values.size() / vectors;
  const size_t kept = plan.dimensions > 0 ? plan.dimensions : size;
  if (kept < size) {
    for (size_t v = 1; v < vectors; ++v) {
      std::copy_n(values.begin() + static_cast<ptrdiff_t>(v * size), kept,
                  values.begin() + static_cast<ptrdiff_t>(v * kept));
    }
    values.resize(kept * vectors);
  }
  if (plan.normalize) {
    for (size_t v = 0; v < vectors; ++v) {
      normalize_l2(*plan.model->kernels, std::span(values).subspan(v * kept, kept));
    }
  }
  return values;
}

Result<std::vector<TokenSequence>> sequences_of(const LoadedModel& model, const EmbedRequest& request) {
  const InputEncoder encoder(model, request.too_long);
  std::vector<TokenSequence> sequences;
  for (size_t i = 0; i < request.token_ids.size(); ++i) {
    ASSIGN_OR_RETURN(TokenSequence tokens,
                     encoder.take_ids(input_name("text", request.token_ids.size(), i), request.token_ids[i]));
    sequences.push_back(std::move(tokens));
  }
  if (!request.token_ids.empty()) return sequences;
  ASSIGN_OR_RETURN(const std::string prompt, find_prompt(model.sentence, request));
  for (size_t i = 0; i < request.texts.size(); ++i) {
    const std::string& text = request.texts[i];
    const std::string name = input_name("text", request.texts.size(), i);
    // An empty text is empty, whatever stands before it.
    ASSIGN_OR_RETURN(TokenSequence tokens, encoder.encode(name, text.empty() || prompt.empty() ? text : prompt + text));
    sequences.push_back(std::move(tokens));
  }
  return sequences;
}

}  // namespace

Result<JobWork> prepare(const LoadedModel& model, const EmbedRequest& request, EmbedResponse* response) {
  RETURN_IF_ERROR(require_some("text", request.size()));
  ASSIGN_OR_RETURN(EmbedPlan plan, make_plan(model, request));
  JobWork work;
  work.output = plan.output;
  ASSIGN_OR_RETURN(work.sequences, sequences_of(model, request));
  response->embeddings.resize(request.size());
  for (size_t i = 0; i < work.sequences.size(); ++i) {
    response->embeddings[i].tokens = static_cast<int>(work.sequences[i].ids.size());
    response->embeddings[i].truncated = work.sequences[i].truncated;
  }
  work.take = [plan = std::move(plan), response](size_t i, MatrixView<const float> rows) {
    response->embeddings[i].values = embed(plan, rows);
  };
  return work;
}

}  // namespace vivace
