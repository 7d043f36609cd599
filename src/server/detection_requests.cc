#include "server/detection_requests.h"

#include <utility>

#include <fmt/format.h>

#include "apps/detection/callback_client.h"
#include "server/json_fields.h"

namespace vivace {
namespace {

ApiResult<std::vector<std::string>> read_sentences(const JsonValue& root, const SentenceLimits& limits) {
  const auto value = root.get("sentences");
  if (!value) return field_error(value.error(), "sentences");
  const auto items = value->as_array();
  if (!items) return field_error(items.error(), "sentences");
  std::vector<std::string> sentences;
  for (const JsonValue& item : *items) {
    const auto text = item.as_string();
    if (!text) return field_error(text.error(), fmt::format("sentences.{}", sentences.size()));
    sentences.emplace_back(*text);
  }
  if (const auto problem = check_sentences(sentences, limits)) {
    return field_error({StatusCode::kInvalidArgument, "request body: sentences: " + problem->message},
                       problem->sentence ? fmt::format("sentences.{}", *problem->sentence) : "sentences");
  }
  return sentences;
}

ApiResult<DetectionJobRequest> read_request(const JsonValue& root, const SentenceLimits& limits) {
  DetectionJobRequest request;
  const auto details = read_flag_or(root, "details", false);
  if (!details) return std::unexpected(details.error());
  request.details = *details;
  const auto compatible = read_flag_or(root, "compat_offsets", false);
  if (!compatible) return std::unexpected(compatible.error());
  request.rule = *compatible ? OffsetRule::kCompatible : OffsetRule::kTrimmed;
  auto sentences = read_sentences(root, limits);
  if (!sentences) return std::unexpected(std::move(sentences).error());
  request.sentences = std::move(*sentences);
  return request;
}

}  // namespace

ApiResult<DetectionJobRequest> parse_predict_request(std::string_view body, const DetectionService& service) {
  const auto document = parse_body(body);
  if (!document) return std::unexpected(document.error());
  return read_request(document->root(), service.limits);
}

ApiResult<DetectionJobRequest> parse_batch_request(std::string_view body, const DetectionService& service) {
  const auto document = parse_body(body);
  if (!document) return std::unexpected(document.error());
  const JsonValue root = document->root();
  auto request = read_request(root, service.job_limits);
  if (!request) return request;
  auto callback = read_text_or(root, "callback_url", "");
  if (!callback) return std::unexpected(std::move(callback).error());
  if (root.find("callback_url")) {
    const auto allowed = check_callback(*callback, service.callback_hosts);
    if (!allowed) return field_error(allowed.error().with_context("request body: callback_url"), "callback_url");
  }
  request->callback_url = std::move(*callback);
  return request;
}

}  // namespace vivace
