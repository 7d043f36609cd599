#include "server/error_table.h"

#include <algorithm>
#include <charconv>

#include "base/json_writer.h"

namespace vivace {
namespace {

std::string_view error_code(const ApiError& error) {
  return error.code.empty() ? status_code_name(error.status.code) : std::string_view(error.code);
}

// The types that OpenAI's API reference lists.
std::string_view openai_type(int status) {
  if (status == 401) return "authentication_error";
  if (status == 404) return "not_found_error";
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

std::string openai_body(const ApiError& error, int status) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.key("message").value(error.status.message);
  json.key("type").value(openai_type(status));
  json.key("param");
  if (error.param.empty()) {
    json.null();
  } else {
    json.value(error.param);
  }
  json.key("code").value(error_code(error));
  json.end_object().end_object();
  return json.take();
}

// text-embeddings-inference names these kinds of errors.
std::string_view tei_type(const ApiError& error, int status) {
  if (error.code == kEmptyInput) return "Empty";
  if (status == 424) return "Backend";
  if (status == 429) return "Overloaded";
  if (status == 503) return "Unhealthy";
  return status >= 500 ? "Backend" : "Validation";
}

std::string tei_body(const ApiError& error, int status) {
  JsonWriter json;
  json.begin_object();
  json.key("error").value(error.status.message);
  json.key("error_type").value(tei_type(error, status));
  json.end_object();
  return json.take();
}

std::string cohere_body(const ApiError& error, std::string_view request_id) {
  JsonWriter json;
  json.begin_object().key("id").value(request_id).key("message").value(error.status.message);
  return json.end_object().take();
}

std::string kserve_body(const ApiError& error) {
  JsonWriter json;
  json.begin_object().key("error").value(error.status.message);
  return json.end_object().take();
}

// "sentences.3" is where the body's member "sentences" has its entry 3.
void write_location(std::string_view param, JsonWriter* json) {
  json->begin_array().value("body");
  const size_t dot = param.find('.');
  if (!param.empty()) json->value(param.substr(0, dot));
  int64_t index = 0;
  if (dot != std::string_view::npos) {
    std::from_chars(param.data() + dot + 1, param.data() + param.size(), index);
    json->value(index);
  }
  json->end_array();
}

std::string detail_body(const ApiError& error, int status) {
  JsonWriter json;
  json.begin_object().key("detail");
  if (status != 422) return json.value(error.status.message).end_object().take();
  json.begin_array().begin_object().key("type").value("value_error").key("loc");
  write_location(error.param, &json);
  return json.key("msg").value(error.status.message).end_object().end_array().end_object().take();
}

std::string vivace_body(const ApiError& error) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.key("code").value(error_code(error));
  json.key("message").value(error.status.message);
  json.key("details").begin_object();
  if (!error.param.empty()) json.key("param").value(error.param);
  json.end_object().end_object().end_object();
  return json.take();
}

// As the claim verification service of old answers.
std::string claims_body(const ApiError& error, std::string_view request_id) {
  JsonWriter json;
  json.begin_object();
  json.key("error").value(error_code(error)).key("message").value(error.status.message);
  json.key("details").begin_array();
  if (!error.param.empty()) {
    json.begin_object().key("field").value(error.param).key("message").value(error.status.message);
    json.key("error_code").value(error_code(error)).end_object();
  }
  json.end_array().key("request_id").value(request_id).end_object();
  return json.take();
}

std::string error_body(ApiFamily family, const ApiError& error, int status, std::string_view request_id) {
  switch (family) {
    case ApiFamily::kClaims: return claims_body(error, request_id);
    case ApiFamily::kOpenAi: return openai_body(error, status);
    case ApiFamily::kTei: return tei_body(error, status);
    case ApiFamily::kCohere: return cohere_body(error, request_id);
    case ApiFamily::kKserve: return kserve_body(error);
    case ApiFamily::kDetail: return detail_body(error, status);
    case ApiFamily::kVivace: break;
  }
  return vivace_body(error);
}

// These families answer 422 to a request that HTTP has nothing against.
bool is_unprocessable(ApiFamily family, const ApiError& error) {
  if (error.http_status != 0 || error.code == kEmptyInput) return false;
  return family == ApiFamily::kDetail || family == ApiFamily::kTei;
}

// Texts too long or too many are like anything else that is wrong with a request; a model that is for something else is
// the server's affair.
int tei_status(const ApiError& error, int status) {
  if (error.http_status != 0) return status;
  if (error.status.code == StatusCode::kTooLarge) return 422;
  return error.status.code == StatusCode::kUnsupported ? 424 : status;
}

}  // namespace

int http_status_of(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument: return 400;
    case StatusCode::kNotFound: return 404;
    case StatusCode::kTooLarge: return 413;
    case StatusCode::kOverloaded: return 429;
    case StatusCode::kDeadlineExceeded: return 504;
    case StatusCode::kCancelled: return 499;  // as nginx: the client is gone, nobody reads it but the log
    case StatusCode::kUnsupported: return 400;
    case StatusCode::kCorruptFile: return 500;
    case StatusCode::kUnavailable: return 503;
    case StatusCode::kInternal: return 500;
  }
  return 500;
}

int http_status_of(const ApiError& error) {
  return error.http_status != 0 ? error.http_status : http_status_of(error.status.code);
}

HttpResponse error_response(ApiFamily family, const ApiError& error, std::string_view request_id) {
  HttpResponse response;
  response.status = http_status_of(error);
  if (response.status == 400 && is_unprocessable(family, error)) response.status = 422;
  if (family == ApiFamily::kTei) response.status = tei_status(error, response.status);
  response.body = error_body(family, error, response.status, request_id);
  if (response.status == 429 || response.status == 503) {
    response.headers.emplace_back("retry-after",
                                  std::to_string(std::max(error.status.retry_after_seconds, kRetryAfterSeconds)));
  }
  return response;
}

ApiError http_error(int http_status, std::string code, std::string message) {
  ApiError error(StatusCode::kInvalidArgument, std::move(message));
  error.http_status = http_status;
  error.code = std::move(code);
  return error;
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kHead: return "HEAD";
    case Method::kPost: return "POST";
    case Method::kDelete: return "DELETE";
    case Method::kOptions: return "OPTIONS";
    case Method::kOther: break;
  }
  return "none";
}

std::string_view http_reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 424: return "Failed Dependency";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

}  // namespace vivace
