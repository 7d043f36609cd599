#include "server/routes_tokenize.h"

#include "base/json_writer.h"
#include "base/utf8.h"
#include "server/engine_call.h"
#include "server/model_wait.h"
#include "server/tei_json.h"

namespace vivace {
namespace {

// Answers are some eighty times as long as their texts and are made on the connection's thread.
constexpr size_t kMaxTokenizedBytes = 65536;

struct TokenizeTask {
  std::string model;
  std::vector<std::string> texts;
  std::string prompt_name;  // empty: no prompt
  SpecialTokens special_tokens = SpecialTokens::kAdd;
};

ApiResult<TokenizeTask> parse_tokenize_request(std::string_view body, size_t max_texts) {
  const auto document = parse_body(body);
  if (!document) return std::unexpected(document.error());
  const JsonValue root = document->root();
  auto texts = read_tei_texts(root, {.max_texts = max_texts, .max_text_bytes = kMaxTokenizedBytes});
  if (!texts) return std::unexpected(std::move(texts).error());
  size_t bytes = 0;
  for (const std::string& text : *texts) bytes += text.size();
  if (bytes > kMaxTokenizedBytes) {
    return field_error({StatusCode::kTooLarge,
                        "request body: inputs: has more than 65536 bytes together; send several "
                        "requests"},
                       "inputs");
  }
  auto model = read_text_or(root, "model", "");
  if (!model) return std::unexpected(std::move(model).error());
  auto prompt_name = read_text_or(root, "prompt_name", "");
  if (!prompt_name) return std::unexpected(std::move(prompt_name).error());
  const auto add = read_flag_or(root, "add_special_tokens", true);
  if (!add) return std::unexpected(add.error());
  return TokenizeTask{.model = std::move(*model),
                      .texts = std::move(*texts),
                      .prompt_name = std::move(*prompt_name),
                      .special_tokens = *add ? SpecialTokens::kAdd : SpecialTokens::kOmit};
}

// Byte positions of a text's code points, ending with the text's size.
std::vector<size_t> code_point_positions(std::string_view text) {
  std::vector<size_t> positions;
  for (size_t position = 0; position < text.size(); next_code_point(text, &position)) positions.push_back(position);
  positions.push_back(text.size());
  return positions;
}

void write_token(const Tokenizer& tokenizer, int32_t id, TokenOffset offset, std::string_view text, JsonWriter* json) {
  // Only tokens that the template added stand for nothing in the text.
  const bool special = offset.begin == offset.end;
  json->begin_object().key("id").value(id).key("token").value(tokenizer.token(id));
  json->key("text").value(special ? tokenizer.token(id) : text).key("special").value(special);
  if (special) {
    json->key("start").null().key("stop").null();
  } else {
    json->key("start").value(offset.begin).key("stop").value(offset.end);
  }
  json->end_object();
}

Result<void> write_tokens(const Tokenizer& tokenizer, std::string_view text, SpecialTokens special_tokens,
                          JsonWriter* json) {
  TokenSequence tokens;
  RETURN_IF_ERROR(tokenizer.encode(text, {.special_tokens = special_tokens, .offsets = Offsets::kKeep}, &tokens));
  const std::vector<size_t> positions = code_point_positions(text);
  json->begin_array();
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    const TokenOffset offset = tokens.offsets[i];
    const size_t begin = positions.at(static_cast<size_t>(offset.begin));
    const size_t end = positions.at(static_cast<size_t>(offset.end));
    write_token(tokenizer, tokens.ids[i], offset, text.substr(begin, end - begin), json);
  }
  json->end_array();
  return {};
}

// A model of either kind; it stays while this is held.
struct FoundModel {
  std::shared_ptr<Engine> engine;
  std::shared_ptr<Generator> generator;

  const Tokenizer& tokenizer() const { return engine != nullptr ? engine->tokenizer() : generator->tokenizer(); }
  const ModelInfo& info() const { return engine != nullptr ? engine->info() : generator->info().model; }
};

ModelKind kind_of(const ModelRegistry& models, std::string_view name) {
  const auto model = models.snapshot(name);
  return model ? model->kind : ModelKind::kEncoder;
}

ApiResult<FoundModel> find_model(const ServerContext& server, ModelKind kind, std::string* name) {
  if (kind == ModelKind::kEncoder) {
    auto engine = find_engine(server, name);
    if (!engine) return std::unexpected(std::move(engine).error());
    return FoundModel{.engine = std::move(*engine), .generator = nullptr};
  }
  auto generator = server.models.find_generator(*name);
  if (!generator) return field_error(std::move(generator).error(), "model");
  return FoundModel{.engine = nullptr, .generator = std::move(*generator)};
}

ApiResult<std::string> find_prompt(const FoundModel& model, const std::string& name) {
  if (name.empty()) return std::string();
  const auto& prompts = model.info().prompts;
  const auto found = prompts.find(name);
  if (found != prompts.end()) return found->second;
  return field_error({StatusCode::kInvalidArgument,
                      "request body: prompt_name: the model has no prompt of this name; GET /v1/models lists them"},
                     "prompt_name");
}

Reply answer(const TokenizeTask& task, const FoundModel& model) {
  const auto prompt = find_prompt(model, task.prompt_name);
  if (!prompt) return std::unexpected(prompt.error());
  JsonWriter json;
  json.begin_array();
  for (const std::string& text : task.texts) {
    RETURN_IF_ERROR(write_tokens(model.tokenizer(), *prompt + text, task.special_tokens, &json));
  }
  json.end_array();
  HttpResponse response;
  response.body = json.take();
  return response;
}

boost::asio::awaitable<Reply> tokenize(RequestContext& context) {
  auto task =
      parse_tokenize_request(context.request.body, static_cast<size_t>(context.server.config.max_texts_per_request));
  if (!task) co_return std::unexpected(std::move(task).error());
  const ModelKind kind = kind_of(context.server.models, task->model);
  auto model = find_model(context.server, kind, &task->model);
  if (!model && model.error().status.code == StatusCode::kUnavailable) {
    co_await await_loading(context.server.models, task->model, kind, context.deadline, context.cancel);
    model = find_model(context.server, kind, &task->model);
  }
  if (!model) co_return std::unexpected(model.error());
  co_return answer(*task, *model);
}

constexpr char kTokenizeRequest[] =
    R"({"type":"object","required":["inputs"],"properties":{)"
    R"("inputs":{"oneOf":[{"type":"string","minLength":1},)"
    R"({"type":"array","minItems":1,"items":{"type":"string","minLength":1}}]},)"
    R"("add_special_tokens":{"type":["boolean","null"],"default":true},"model":{"type":["string","null"]},)"
    R"("prompt_name":{"type":["string","null"],"description":"One of the model's prompts, put before each text"}}})";
constexpr char kTokenizeResponse[] =
    R"({"type":"array","items":{"type":"array","items":{"type":"object",)"
    R"("required":["id","token","text","special","start","stop"],"properties":{"id":{"type":"integer"},)"
    R"("token":{"type":"string","description":"As it stands in the vocabulary: \"##ing\""},)"
    R"("text":{"type":"string","description":"What it stands for in the input"},"special":{"type":"boolean"},)"
    R"("start":{"type":["integer","null"],"description":"In code points"},"stop":{"type":["integer","null"]}}}}})";

std::vector<Schema> schemas(const ApiFacts&) {
  return {{"TokenizeRequest", kTokenizeRequest}, {"TokenizeResponse", kTokenizeResponse}};
}

}  // namespace

RouteGroup tokenize_routes() {
  return {{{.method = Method::kPost,
            .path = "/tokenize",
            .family = ApiFamily::kTei,
            .access = Access::kKey,
            .handler = tokenize,
            .doc = {.id = "tokenize",
                    .summary = "Tokens of texts, not truncated",
                    .request_schema = "TokenizeRequest",
                    .response_schema = "TokenizeResponse",
                    .errors = {400, 404, 408, 411, 413, 415, 422, 424, 500, 503, 504}}}},
          schemas};
}

}  // namespace vivace
