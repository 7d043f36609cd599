#include "text/legacy_token_files.h"

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
void unite(LegacySettings* settings) {
  for (auto& [role, token] : settings->special_tokens) {
    const auto added = std::ranges::find(settings->added_tokens, token.content, &AddedToken::content);
    if (added != settings->added_tokens.end()) token = *added;
  }
}

bool is_among(const std::vector<AddedToken>& tokens, std::string_view content) {
  return std::ranges::find(tokens, content, &AddedToken::content) != tokens.end();
}

bool is_special(const LegacySettings& settings, std::string_view content) {
  const auto is_it = [&](const auto& role) { return role.second.content == content; };
  return (settings.extra_tokens && is_among(*settings.extra_tokens, content)) ||
         std::ranges::any_of(settings.special_tokens, is_it);
}

Result<void> read_list(const JsonValue& list, bool is_special, std::vector<AddedToken>* tokens) {
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(tokens->emplace_back(), read_token(item, is_special));
  }
  return {};
}

Result<void> read_named_tokens(const JsonValue& roles, LegacySettings* settings) {
  ASSIGN_OR_RETURN(const auto members, roles.as_object());
  for (const auto& [role, value] : members) {
    ASSIGN_OR_RETURN(settings->named_tokens.emplace_back(), read_token(value));
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

void take_by_id(std::map<int64_t, AddedToken> by_id, LegacySettings* settings) {
  for (auto& [id, token] : by_id) settings->added_tokens.push_back(std::move(token));
  unite(settings);
}

}  // namespace

Result<void> read_legacy_special_tokens(const JsonValue& root, LegacySettings* settings) {
  for (const std::string_view role : kTokenRoles) {
    const std::optional<JsonValue> value = root.find(role);
    if (!value || value->to_text() == R"("")") continue;  // no token, as null says it
    ASSIGN_OR_RETURN(settings->special_tokens[std::string(role)], read_token(*value));
  }
  ASSIGN_OR_RETURN(const auto members, root.as_object());
  for (const auto& [key, value] : members) {
    if (!is_named_token(key, value)) continue;
    ASSIGN_OR_RETURN(settings->named_tokens.emplace_back(), read_token(value));
  }
  return {};
}

Result<void> read_extra_tokens_of_config(const JsonValue& root, LegacySettings* settings) {
  Result<JsonValue> tokens = root.get(kExtraTokens);
  const Result<JsonValue> older = root.get(kOlderExtraTokens);
  if (says_nothing(tokens)) {
    if (older) tokens = older;
  } else if (older && older->is_array()) {
    RETURN_IF_ERROR(read_list(*older, false, &settings->older_extra_tokens));
  }
  if (!tokens) return {};
  if (tokens->is_object()) return read_named_tokens(*tokens, settings);
  settings->extra_tokens.emplace();  // also by null: then there are none
  return tokens->is_null() ? Result<void>() : read_list(*tokens, false, &*settings->extra_tokens);
}

Result<void> read_extra_tokens_of_map(const JsonValue& root, LegacySettings* settings) {
  if (const std::optional<JsonValue> older = root.find(kOlderExtraTokens)) {
    settings->older_extra_tokens.clear();
    RETURN_IF_ERROR(read_list(*older, true, &settings->older_extra_tokens));
  }
  const std::optional<JsonValue> tokens = root.find(kExtraTokens);
  if (!tokens) return {};
  if (tokens->is_object()) {
    settings->extra_tokens.reset();
    return read_named_tokens(*tokens, settings);
  }
  if (!settings->extra_tokens) settings->extra_tokens.emplace();
  return read_list(*tokens, true, &*settings->extra_tokens);
}

Result<void> read_added_tokens_decoder(const JsonValue& decoder, LegacySettings* settings) {
  ASSIGN_OR_RETURN(const auto members, decoder.as_object());
  std::map<int64_t, AddedToken> by_id;
  for (const auto& [written, value] : members) {
    ASSIGN_OR_RETURN(const int64_t id, read_id(decoder, written));
    ASSIGN_OR_RETURN(by_id[id], read_flags(value, false));
  }
  take_by_id(std::move(by_id), settings);
  return {};
}

Result<void> read_added_token_ids(const JsonValue& root, LegacySettings* settings) {
  ASSIGN_OR_RETURN(const auto members, root.as_object());
  std::map<int64_t, AddedToken> by_id;
  for (const auto& [content, value] : members) {
    ASSIGN_OR_RETURN(const int64_t id, value.as_integer(0, INT32_MAX - 1));
    if (content.empty()) return root.fail("a token is empty");
    AddedToken& token = by_id[id];
    token.content = content;
    token.special = is_special(*settings, content);
    token.normalized = !token.special;
  }
  take_by_id(std::move(by_id), settings);
  return {};
}

}  // namespace vivace
