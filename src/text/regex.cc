#include "text/regex.h"

#include <string>

#include <oniguruma.h>

#include "base/utf8.h"
#include "text/regex_properties.h"

namespace vivace {
namespace {

constexpr size_t kMaxExpressionBytes = 64 * 1024;
constexpr unsigned long kMaxRetries = 1'000'000;
constexpr unsigned int kMaxStack = 1'000'000;

const OnigUChar* bytes(const char* text) {
  return reinterpret_cast<const OnigUChar*>(text);
}

std::string message_of(int code, OnigErrorInfo* info) {
  OnigUChar buffer[ONIG_MAX_ERROR_MESSAGE_LEN] = {};
  const int length = onig_error_code_to_str(buffer, code, info);
  return {reinterpret_cast<const char*>(buffer), static_cast<size_t>(length > 0 ? length : 0)};
}

struct ParamFree {
  void operator()(OnigMatchParam* param) const { onig_free_match_param(param); }
};
struct RegionFree {
  void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
};

// What a search needs beside the expression; one for each thread.
struct SearchState {
  SearchState() : param(onig_new_match_param()), region(onig_region_new()) {
    onig_initialize_match_param(param.get());
    onig_set_match_stack_limit_size_of_match_param(param.get(), kMaxStack);
    onig_set_retry_limit_in_match_of_match_param(param.get(), kMaxRetries);
    onig_set_retry_limit_in_search_of_match_param(param.get(), kMaxRetries);
  }
  std::unique_ptr<OnigMatchParam, ParamFree> param;
  std::unique_ptr<OnigRegion, RegionFree> region;
};

}  // namespace

void Regex::Free::operator()(re_pattern_buffer* regex) const {
  onig_free(regex);
}

Result<Regex> Regex::compile(std::string_view expression, std::string_view origin) {
  if (expression.size() > kMaxExpressionBytes) {
    return error(StatusCode::kTooLarge, std::string(origin) + ": the regular expression is longer than 64 KiB");
  }
  static const int initialized = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    const int code = onig_initialize(encodings, 1);
    return code == ONIG_NORMAL && !define_measured_properties() ? ONIGERR_MEMORY : code;
  }();
  if (initialized != ONIG_NORMAL) return error(StatusCode::kInternal, "Oniguruma cannot be initialized");
  regex_t* regex = nullptr;
  OnigErrorInfo info = {};
  const std::string known = with_measured_properties(expression);
  const int code = onig_new(&regex, bytes(known.data()), bytes(known.data() + known.size()), ONIG_OPTION_NONE,
                            ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &info);
  if (code != ONIG_NORMAL) {
    return error(StatusCode::kInvalidArgument, std::string(origin) + ": bad regular expression '" +
                                                   printable(expression) + "': " + message_of(code, &info));
  }
  return Regex(regex);
}

Result<std::optional<Regex::Match>> Regex::search(std::string_view text, size_t start) const {
  thread_local const SearchState state;
  const OnigUChar* const begin = bytes(text.data());
  const OnigUChar* const end = begin + text.size();
  const int code = onig_search_with_param(m_regex.get(), begin, end, begin + start, end, state.region.get(),
                                          ONIG_OPTION_NONE, state.param.get());
  if (code == ONIG_MISMATCH) return std::optional<Match>();
  if (code < 0) {
    return error(StatusCode::kInvalidArgument,
                 "text: the tokenizer's regular expression gives up on it: " + message_of(code, nullptr));
  }
  return std::optional<Match>({static_cast<size_t>(state.region->beg[0]), static_cast<size_t>(state.region->end[0])});
}

}  // namespace vivace
