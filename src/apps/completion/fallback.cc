#include "apps/completion/fallback.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/stop_matcher.h"
#include "engine/text_stream.h"

namespace vivace {
namespace {

void keep_tokens(size_t count, CachedCompletion* answer) {
  answer->text_ends.resize(std::min(answer->text_ends.size(), count));
  answer->token_ids.resize(std::min(answer->token_ids.size(), count));
}

}  // namespace

CompletionKey fallback_key(const CompletionRequest& request, const std::string& model,
                           std::span<const std::string> stop) {
  // With their lengths, so that no two requests write the same.
  std::string fits = fmt::format("{} {}", request.suffix.size(), request.suffix);
  for (const std::string& each : stop) fits += fmt::format("{} {}", each.size(), each);
  return {.strategy = std::move(fits), .model = model, .code = request.code};
}

std::vector<uint32_t> text_ends_of(const GeneratedText& written, const Tokenizer& tokenizer,
                                   std::span<const std::string> stop) {
  TextStream stream(tokenizer, stop);
  const std::span<const int32_t> ids = written.token_ids;
  std::vector<uint32_t> ends;
  ends.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    stream.update(ids.first(i + 1));
    ends.push_back(static_cast<uint32_t>(std::min(stream.text().size(), written.text.size())));
  }
  if (!ends.empty()) ends.back() = static_cast<uint32_t>(written.text.size());
  return ends;
}

void cut_to(const GenerateRequest& request, CachedCompletion* answer) {
  const auto most = static_cast<size_t>(std::max(request.options.max_new_tokens, 1));
  if (answer->text_ends.size() > most) {
    answer->text.resize(answer->text_ends[most - 1]);
    answer->finish_reason = FinishReason::kLength;
    keep_tokens(most, answer);
  }
  StopMatcher stops(request.stop);
  const size_t stop = stops.push(answer->text);
  if (stop == StopMatcher::kNone) return;
  answer->text.resize(stop);
  answer->finish_reason = FinishReason::kStop;
  // As far as the token in which the stop string begins.
  const auto last = std::ranges::upper_bound(answer->text_ends, stop);
  keep_tokens(static_cast<size_t>(last - answer->text_ends.begin()) + 1, answer);
}

}  // namespace vivace
