#include "server/kserve_tasks.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "engine/answer_json.h"
#include "server/engine_call.h"
#include "server/kserve_parameters.h"
#include "server/kserve_signature.h"
#include "server/tasks_json.h"

namespace vivace {
namespace {

namespace asio = boost::asio;

constexpr int64_t kMostOfAnInt = std::numeric_limits<int>::max();

std::vector<std::string> take_texts(KserveRequest* request, std::string_view name) {
  const auto input = std::ranges::find(request->inputs, name, &KserveInput::name);
  return input == request->inputs.end() ? std::vector<std::string>() : std::move(input->texts);
}

template <typename Results>
KserveOutput truncated_output(const Results& results) {
  KserveOutput::Flags flags;
  for (const auto& result : results) flags.push_back(result.truncated ? 1 : 0);
  return {.name = "truncated", .shape = {static_cast<int64_t>(flags.size())}, .values = std::move(flags)};
}

// A text, JSON of our own, for each result.
template <typename Results, typename WriteMembers>
KserveOutput json_output(std::string_view name, const Results& results, WriteMembers write_members) {
  KserveOutput::Texts texts;
  for (const auto& result : results) {
    JsonWriter json;
    json.begin_object();
    write_members(result, &json);
    texts.push_back(json.end_object().take());
  }
  return {.name = std::string(name), .shape = {static_cast<int64_t>(texts.size())}, .values = std::move(texts)};
}

ApiResult<EmbedRequest> embed_request(KserveRequest* request) {
  EmbedRequest embed;
  ASSIGN_OR_RETURN(embed.too_long, too_long_parameter(request->parameters));
  ASSIGN_OR_RETURN(embed.normalize, flag_parameter(request->parameters, "normalize"));
  ASSIGN_OR_RETURN(embed.prompt_name, text_parameter(request->parameters, "prompt_name"));
  ASSIGN_OR_RETURN(const auto dimensions, integer_parameter(request->parameters, "dimensions", 1, kMostOfAnInt));
  if (dimensions) embed.dimensions = static_cast<int>(*dimensions);
  embed.texts = take_texts(request, kTextTensor);
  return embed;
}

std::vector<KserveOutput> write_outputs(const EmbedResponse& answer, const ModelInfo&) {
  KserveOutput::Floats values;
  for (const TextEmbedding& embedding : answer.embeddings) {
    values.insert(values.end(), embedding.values.begin(), embedding.values.end());
  }
  const auto rows = static_cast<int64_t>(answer.embeddings.size());
  const auto width = static_cast<int64_t>(answer.embeddings.front().values.size());
  return {{.name = "embedding", .shape = {rows, width}, .values = std::move(values)},
          truncated_output(answer.embeddings)};
}

ApiResult<std::optional<ScoreActivation>> activation_parameter(const KserveParameters& parameters) {
  ASSIGN_OR_RETURN(const auto name, text_parameter(parameters, "activation"));
  if (!name) return std::optional<ScoreActivation>();
  return parse_activation(*name);
}

ApiResult<ClassifyRequest> classify_request(KserveRequest* request) {
  ClassifyRequest classify;
  ASSIGN_OR_RETURN(classify.too_long, too_long_parameter(request->parameters));
  ASSIGN_OR_RETURN(classify.activation, activation_parameter(request->parameters));
  std::vector<std::string> texts = take_texts(request, kTextTensor);
  std::vector<std::string> pairs = take_texts(request, kPairTensor);
  if (!pairs.empty() && pairs.size() != texts.size()) {
    return std::unexpected(ApiError(StatusCode::kInvalidArgument,
                                    fmt::format("input '{}' has {} texts and '{}' {}; they are read together, so "
                                                "there must be as many",
                                                kTextTensor, texts.size(), kPairTensor, pairs.size())));
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    TextInput& input = classify.inputs.emplace_back();
    input.text = std::move(texts[i]);
    if (!pairs.empty()) input.pair = std::move(pairs[i]);
  }
  return classify;
}

// Scores in the order of the model's labels.
std::vector<KserveOutput> write_outputs(const ClassifyResponse& answer, const ModelInfo& info) {
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < info.labels.size(); ++i) places.emplace(info.labels[i], i);
  const size_t width = info.labels.size();
  KserveOutput::Floats scores(answer.results.size() * width);
  KserveOutput::Texts best;
  for (size_t row = 0; row < answer.results.size(); ++row) {
    const Classification& result = answer.results[row];
    for (const LabelScore& label : result.labels) scores[row * width + places.at(label.label)] = label.score;
    best.push_back(result.labels.front().label);
  }
  const auto rows = static_cast<int64_t>(answer.results.size());
  if (ranks_documents(info)) {
    return {{.name = "scores", .shape = {rows}, .values = std::move(scores)}, truncated_output(answer.results)};
  }
  return {{.name = "scores", .shape = {rows, static_cast<int64_t>(width)}, .values = std::move(scores)},
          {.name = "label", .shape = {rows}, .values = std::move(best)},
          truncated_output(answer.results)};
}

ApiResult<RankRequest> rank_request(KserveRequest* request) {
  RankRequest rank;
  ASSIGN_OR_RETURN(rank.too_long, too_long_parameter(request->parameters));
  ASSIGN_OR_RETURN(rank.activation, activation_parameter(request->parameters));
  rank.query = std::move(take_texts(request, kQueryTensor).front());
  rank.documents = take_texts(request, kDocumentsTensor);
  return rank;
}

// In the order of the request's documents: who wants the best first sorts them.
std::vector<KserveOutput> write_outputs(const RankResponse& answer, const ModelInfo&) {
  KserveOutput::Floats scores(answer.ranking.size());
  KserveOutput::Flags truncated(answer.ranking.size());
  for (const RankedDocument& document : answer.ranking) {
    scores[document.index] = document.score;
    truncated[document.index] = document.truncated ? 1 : 0;
  }
  const auto rows = static_cast<int64_t>(answer.ranking.size());
  return {{.name = "scores", .shape = {rows}, .values = std::move(scores)},
          {.name = "truncated", .shape = {rows}, .values = std::move(truncated)}};
}

ApiResult<TagRequest> tag_request(KserveRequest* request) {
  TagRequest tag;
  ASSIGN_OR_RETURN(tag.too_long, too_long_parameter(request->parameters));
  ASSIGN_OR_RETURN(const auto name, text_parameter(request->parameters, "aggregation"));
  if (name) {
    ASSIGN_OR_RETURN(tag.aggregation, parse_aggregation(*name));
  }
  tag.texts = take_texts(request, kTextTensor);
  return tag;
}

std::vector<KserveOutput> write_outputs(const TagResponse& answer, const ModelInfo&) {
  return {json_output("tags", answer.results, write_words), truncated_output(answer.results)};
}

ApiResult<FillMaskRequest> fill_mask_request(KserveRequest* request) {
  FillMaskRequest fill;
  ASSIGN_OR_RETURN(fill.too_long, too_long_parameter(request->parameters));
  ASSIGN_OR_RETURN(const auto top_k, integer_parameter(request->parameters, "top_k", 1, kMostOfAnInt));
  if (top_k) fill.top_k = static_cast<size_t>(*top_k);
  fill.texts = take_texts(request, kTextTensor);
  return fill;
}

std::vector<KserveOutput> write_outputs(const FillMaskResponse& answer, const ModelInfo&) {
  return {json_output("masks", answer.results, write_masks), truncated_output(answer.results)};
}

ApiResult<GenerateRequest> generate_request(KserveRequest* request) {
  const KserveParameters& parameters = request->parameters;
  GenerateRequest generate;
  GenerationOptions& options = generate.options;
  ASSIGN_OR_RETURN(generate.too_long, too_long_parameter(parameters));
  ASSIGN_OR_RETURN(const auto max_tokens, integer_parameter(parameters, "max_tokens", 1, kMostOfAnInt));
  ASSIGN_OR_RETURN(const auto top_k, integer_parameter(parameters, "top_k", 0, kMostOfAnInt));
  ASSIGN_OR_RETURN(const auto seed, integer_parameter(parameters, "seed", 0, std::numeric_limits<int64_t>::max()));
  ASSIGN_OR_RETURN(const auto temperature, number_parameter(parameters, "temperature"));
  ASSIGN_OR_RETURN(const auto top_p, number_parameter(parameters, "top_p"));
  ASSIGN_OR_RETURN(const auto stop, text_parameter(parameters, "stop"));
  if (max_tokens) options.max_new_tokens = static_cast<int>(*max_tokens);
  if (top_k) options.top_k = static_cast<int>(*top_k);
  if (seed) options.seed = static_cast<uint64_t>(*seed);
  options.temperature = temperature.value_or(options.temperature);
  options.top_p = top_p.value_or(options.top_p);
  if (stop) generate.stop.push_back(*stop);
  generate.text = std::move(take_texts(request, kPromptTensor).front());
  return generate;
}

KserveAnswer write_answer(const GenerateResponse& answer) {
  KserveOutput::Texts texts;
  KserveOutput::Texts reasons;
  for (const GeneratedText& text : answer.texts) {
    texts.push_back(text.text);
    reasons.emplace_back(finish_reason_name(text.finish_reason));
  }
  const std::vector<int64_t> shape = {static_cast<int64_t>(texts.size())};
  KserveAnswer written;
  written.response.outputs = {
      {.name = "text", .shape = shape, .values = std::move(texts)},
      {.name = "finish_reason", .shape = shape, .values = std::move(reasons)},
      {.name = "truncated", .shape = shape, .values = KserveOutput::Flags(answer.texts.size(), answer.truncated)}};
  written.times = {.tokenize_ms = answer.tokenize_ms,
                   .queue_ms = answer.queue_ms,
                   .compute_ms = answer.encode_ms + answer.decode_ms + answer.detokenize_ms};
  return written;
}

template <typename Request>
asio::awaitable<ApiResult<KserveAnswer>> ask(RequestContext& context, Engine& engine, ApiResult<Request> request) {
  if (!request) co_return std::unexpected(std::move(request).error());
  const auto answer = co_await ask_engine(context, engine, std::move(*request));
  if (!answer) co_return std::unexpected(answer.error());
  KserveAnswer written;
  written.response.outputs = write_outputs(*answer, engine.info());
  written.times = static_cast<const ResponseTimes&>(*answer);
  co_return written;
}

asio::awaitable<ApiResult<KserveAnswer>> write_text(RequestContext& context, Generator& generator,
                                                    ApiResult<GenerateRequest> request) {
  if (!request) co_return std::unexpected(std::move(request).error());
  request->deadline = context.deadline;
  request->cancel = context.cancel;
  using Answer = Result<GenerateResponse>;
  const auto answer = co_await await_callback<Answer>(
      [&](std::function<void(Answer)> done) { generator.submit(std::move(*request), std::move(done)); });
  if (!answer) co_return std::unexpected(ApiError(answer.error()));
  co_return write_answer(*answer);
}

}  // namespace

asio::awaitable<ApiResult<KserveAnswer>> ask_kserve_model(RequestContext& context, const ServedModel& model,
                                                          KserveRequest* request) {
  switch (kserve_task(model)) {
    case KserveTask::kEmbed: co_return co_await ask(context, *model.engine, embed_request(request));
    case KserveTask::kClassify: co_return co_await ask(context, *model.engine, classify_request(request));
    case KserveTask::kRank:
      if (has_input(*request, kQueryTensor)) co_return co_await ask(context, *model.engine, rank_request(request));
      co_return co_await ask(context, *model.engine, classify_request(request));
    case KserveTask::kTag: co_return co_await ask(context, *model.engine, tag_request(request));
    case KserveTask::kFillMask: co_return co_await ask(context, *model.engine, fill_mask_request(request));
    case KserveTask::kGenerate: break;
  }
  co_return co_await write_text(context, *model.generator, generate_request(request));
}

}  // namespace vivace
