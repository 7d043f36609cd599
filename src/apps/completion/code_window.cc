#include "apps/completion/code_window.h"

#include <algorithm>

namespace vivace {
namespace {

// Tokens of code are hardly ever longer, so more bytes than this for each need not be looked at.
constexpr size_t kLongestTokenBytes = 32;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

std::string_view last_bytes(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  text.remove_prefix(text.size() - bytes);
  while (!text.empty() && is_continuation(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view without_characters(std::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (is_continuation(text[at])) continue;
    if (count == 0) break;
    --count;
  }
  return text.substr(at);
}

}  // namespace

Result<std::string_view> end_within(std::string_view code, size_t max_tokens, const Tokenizer& tokenizer) {
  if (max_tokens == 0) return code.substr(code.size());
  const std::string_view end = last_bytes(code, max_tokens * kLongestTokenBytes);
  const EncodeOptions options{.special_tokens = SpecialTokens::kOmit,
                              .offsets = Offsets::kKeep,
                              .max_tokens = max_tokens,
                              .truncation_side = TruncationSide::kLeft};
  TokenSequence tokens;
  RETURN_IF_ERROR(tokenizer.encode(end, options, &tokens));
  if (!tokens.truncated || tokens.offsets.empty()) return end;
  return without_characters(end, static_cast<size_t>(tokens.offsets.front().begin));
}

}  // namespace vivace
