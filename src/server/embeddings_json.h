// OpenAI's embeddings request and response as JSON. https://platform.openai.com/docs/api-reference/embeddings
//
// Beyond OpenAI's fields a request may have prompt_name (one of the model's prompts) and truncate (false: a text that
// is too long is an error); with tokenizer, which must name the model, its input may be that model's token ids. Fields
// that we do not know are ignored: clients send ever new ones. A response's items say whether their text was truncated.
#pragma once

#include <string>
#include <string_view>

#include "engine/request.h"
#include "server/json_fields.h"

namespace vivace {

enum class EncodingFormat { kFloat, kBase64 };

// What a request's body asks for.
struct EmbedTask {
  std::string model;      // empty: the default one
  std::string tokenizer;  // the model whose tokens the request says that it holds; empty: it holds texts
  EmbedRequest request;
  EncodingFormat format = EncodingFormat::kFloat;
};

ApiResult<EmbedTask> parse_embeddings_request(std::string_view body, const TextLimits& limits);

std::string write_embeddings_response(const EmbedTask& task, const EmbedResponse& response);

}  // namespace vivace
