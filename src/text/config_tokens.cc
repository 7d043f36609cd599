#include "text/config_tokens.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr std::string_view kExtraTokens = "extra_special_tokens";
constexpr std::string_view kOlderExtraTokens = "additional_special_tokens";

AddedToken special_token(std::string_view content) {
  AddedToken token;
  token.content = content;
  token.special = true;
  return token;
}

// An object of flags. What says nothing of normalized is normalised unless it is special.
Result<AddedToken> read_flags(const JsonValue& value, bool is_special) {
  AddedToken token;
  ASSIGN_OR_RETURN(const JsonValue content, value.get("content"));
  ASSIGN_OR_RETURN(const std::string_view text, content.as_string());
  token.content = text;
  ASSIGN_OR_RETURN(token.special, value.bool_or("special", is_special));
  token.special = token.special || is_special;
  ASSIGN_OR_RETURN(token.normalized, value.bool_or("normalized", !token.special));
  ASSIGN_OR_RETURN(token.single_word, value.bool_or("single_word", false));
  ASSIGN_OR_RETURN(token.lstrip, value.bool_or("lstrip", false));
  ASSIGN_OR_RETURN(token.rstrip, value.bool_or("rstrip", false));
  if (token.content.empty()) return value.fail("'content' is empty");
  return token;
}

// A token is text, or an object that has it as "content" and is special where is_special, or it itself, says so.
Result<AddedToken> read_token(const JsonValue& value, bool is_special = true) {
  if (value.is_object()) return read_flags(value, is_special);
  ASSIGN_OR_RETURN(const std::string_view text, value.as_string());
  if (text.empty()) return value.fail("the token is empty");
  return special_token(text);
}

// A token with a role that was also added has the flags that it was added with.
void unite(TokenizerConfig* config) {
  for (auto& [role, token] : config->special_tokens) {
    const auto added = std::ranges::find(config->added_tokens, token.content, &AddedToken::content);
    if (added != config->added_tokens.end()) token = *added;
  }
}

bool is_among(const std::vector<AddedToken>& tokens, std::string_view content) {
  return std::ranges::find(tokens, content, &AddedToken::content) != tokens.end();
}

bool is_special(const TokenizerConfig& config, std::string_view content) {
  const auto is_it = [&](const auto& role) { return role.second.content == content; };
  return (config.extra_tokens && is_among(*config.extra_tokens, content)) ||
         std::ranges::any_of(config.special_tokens, is_it);
}

Result<void> read_list(const JsonValue& list, bool is_special, std::vector<AddedToken>* tokens) {
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(tokens->emplace_back(), read_token(item, is_special));
  }
  return {};
}

Result<void> read_named_tokens(const JsonValue& roles, TokenizerConfig* config) {
  ASSIGN_OR_RETURN(const auto members, roles.as_object());
  for (const auto& [role, value] : members) {
    ASSIGN_OR_RETURN(config->named_tokens.emplace_back(), read_token(value));
  }
  return {};
}

bool says_nothing(const Result<JsonValue>& value) {
  return !value || value->is_null() || value->to_text() == "[]" || value->to_text() == "{}";
}

// Settings like "add_bos_token" are none, nor is text that is empty.
bool is_named_token(std::string_view key, const JsonValue& value) {
  if (!key.ends_with("_token") || std::ranges::find(kTokenRoles, key) != std::end(kTokenRoles)) return false;
  return value.is_object() ? value.find("content").has_value() : value.is_string() && value.as_string() != "";
}

Result<int64_t> read_id(const JsonValue& decoder, std::string_view written) {
  int64_t id = 0;
  const auto [end, problem] = std::from_chars(written.data(), written.data() + written.size(), id);
  if (problem == std::errc() && end == written.data() + written.size() && id >= 0) return id;
  return decoder.fail("'" + printable(written) + "' is no token id");
}

void take_by_id(std::map<int64_t, AddedToken> by_id, TokenizerConfig* config) {
  for (auto& [id, token] : by_id) config->added_tokens.push_back(std::move(token));
  unite(config);
}

}  // namespace

Result<void> read_special_tokens(const JsonValue& root, TokenizerConfig* config) {
  for (const std::string_view role : kTokenRoles) {
    const std::optional<JsonValue> value = root.find(role);
    if (!value || value->to_text() == R"("")") continue;  // no token, as null says it
    ASSIGN_OR_RETURN(config->special_tokens[std::string(role)], read_token(*value));
  }
  ASSIGN_OR_RETURN(const auto members, root.as_object());
  for (const auto& [key, value] : members) {
    if (!is_named_token(key, value)) continue;
    ASSIGN_OR_RETURN(config->named_tokens.emplace_back(), read_token(value));
  }
  return {};
}

Result<void> read_extra_tokens_of_config(const JsonValue& root, TokenizerConfig* config) {
  Result<JsonValue> tokens = root.get(kExtraTokens);
  const Result<JsonValue> older = root.get(kOlderExtraTokens);
  if (says_nothing(tokens)) {
    if (older) tokens = older;
  } else if (older && older->is_array()) {
    RETURN_IF_ERROR(read_list(*older, false, &config->older_extra_tokens));
  }
  if (!tokens) return {};
  if (tokens->is_object()) return read_named_tokens(*tokens, config);
  config->extra_tokens.emplace();  // also by null: then there are none
  return tokens->is_null() ? Result<void>() : read_list(*tokens, false, &*config->extra_tokens);
}

Result<void> read_extra_tokens_of_map(const JsonValue& root, TokenizerConfig* config) {
  if (const std::optional<JsonValue> older = root.find(kOlderExtraTokens)) {
    config->older_extra_tokens.clear();
    RETURN_IF_ERROR(read_list(*older, true, &config->older_extra_tokens));
  }
  const std::optional<JsonValue> tokens = root.find(kExtraTokens);
  if (!tokens) return {};
  if (tokens->is_object()) {
    config->extra_tokens.reset();
    return read_named_tokens(*tokens, config);
  }
  if (!config->extra_tokens) config->extra_tokens.emplace();
  return read_list(*tokens, true, &*config->extra_tokens);
}

Result<void> read_added_tokens_decoder(const JsonValue& decoder, TokenizerConfig* config) {
  ASSIGN_OR_RETURN(const auto members, decoder.as_object());
  std::map<int64_t, AddedToken> by_id;
  for (const auto& [written, value] : members) {
    ASSIGN_OR_RETURN(const int64_t id, read_id(decoder, written));
    ASSIGN_OR_RETURN(by_id[id], read_flags(value, false));
  }
  take_by_id(std::move(by_id), config);
  return {};
}

Result<void> read_added_token_ids(const JsonValue& root, TokenizerConfig* config) {
  ASSIGN_OR_RETURN(const auto members, root.as_object());
  std::map<int64_t, AddedToken> by_id;
  for (const auto& [content, value] : members) {
    ASSIGN_OR_RETURN(const int64_t id, value.as_integer(0, INT32_MAX - 1));
    if (content.empty()) return root.fail("a token is empty");
    AddedToken& token = by_id[id];
    token.content = content;
    token.special = is_special(*config, content);
    token.normalized = !token.special;
  }
  take_by_id(std::move(by_id), config);
  return {};
}

}  // namespace vivace
