#include "text/tokenizer_overrides.h"

#include <algorithm>
#include <string_view>

#include "base/json.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

// transformers' classes for any tokenizer.json. Every other class builds its parts anew, as the configuration says.
bool takes_configuration(std::string_view tokenizer_class) {
  constexpr std::string_view kGeneral[] = {"PreTrainedTokenizer", "TokenizersBackend"};  // "Fast" is cut off
  return std::ranges::find(kGeneral, tokenizer_class) == std::end(kGeneral);
}

std::vector<AddedToken> tokens_with_roles(const TokenizerConfig& config) {
  std::vector<AddedToken> tokens;
  for (const std::string_view role : kTokenRoles) {
    const auto place = config.special_tokens.find(std::string(role));
    if (place != config.special_tokens.end()) tokens.push_back(place->second);
  }
  tokens.insert(tokens.end(), config.named_tokens.begin(), config.named_tokens.end());
  return tokens;
}

bool has_content(const std::vector<AddedToken>& tokens, std::string_view content) {
  return std::ranges::find(tokens, content, &AddedToken::content) != tokens.end();
}

void append(const std::vector<AddedToken>& tokens, std::vector<AddedToken>* all) {
  all->insert(all->end(), tokens.begin(), tokens.end());
}

}  // namespace

Result<TokenizerOverrides> read_tokenizer_overrides(const std::string& directory) {
  ASSIGN_OR_RETURN(const TokenizerConfig config, read_tokenizer_config(directory));
  TokenizerOverrides overrides;
  append(config.added_tokens, config.has_decoder ? &overrides.flagged_tokens : &overrides.other_tokens);
  std::vector<AddedToken> with_roles = tokens_with_roles(config);
  for (AddedToken& token : with_roles) token.special = true;
  for (AddedToken& token : overrides.flagged_tokens) {
    token.special = token.special || has_content(with_roles, token.content);
  }
  append(with_roles, &overrides.other_tokens);
  append(config.extra_tokens.value_or(config.older_extra_tokens), &overrides.other_tokens);
  if (!takes_configuration(config.tokenizer_class)) return overrides;
  overrides.lowercase = config.do_lower_case;
  overrides.strip_accents = config.strip_accents;
  overrides.handle_chinese_chars = config.tokenize_chinese_chars;
  overrides.add_prefix_space = config.add_prefix_space;
  return overrides;
}

Result<void> check_overrides(const JsonValue& root, const TokenizerOverrides& overrides) {
  const JsonValue pre_tokenizer = optional_part(root, "pre_tokenizer");
  ASSIGN_OR_RETURN(const std::string type, pre_tokenizer.string_or("type", ""));
  if (type != "ByteLevel" || !overrides.add_prefix_space) return {};
  ASSIGN_OR_RETURN(const bool adds, pre_tokenizer.bool_or("add_prefix_space", true));
  if (adds == *overrides.add_prefix_space) return {};
  return error(StatusCode::kUnsupported, pre_tokenizer.path() + ": add_prefix_space is " + (adds ? "true" : "false") +
                                             ", tokenizer_config.json says otherwise; make them equal");
}

}  // namespace vivace
