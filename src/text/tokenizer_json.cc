#include "text/tokenizer_json.h"

#include <optional>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "text/vocabulary_json.h"

namespace vivace {
namespace {

constexpr int64_t kMaxId = INT32_MAX - 1;

std::unexpected<Status> corrupt(const JsonValue& value, const std::string& message) {
  return error(StatusCode::kCorruptFile, value.path() + ": " + message);
}

// What may be left out but cannot be null.
bool has_member(const JsonValue& object, std::string_view key) {
  return object.get(key).has_value();
}

Result<bool> read_bool(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  return value.as_bool();
}

Result<std::string> read_string(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  ASSIGN_OR_RETURN(const std::string_view text, value.as_string());
  return std::string(text);
}

Result<int32_t> read_integer(const JsonValue& object, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonValue value, object.get(key));
  ASSIGN_OR_RETURN(const int64_t number, value.as_integer(0, kMaxId));
  return static_cast<int32_t>(number);
}

Result<AddedToken> read_added_token(const JsonValue& item) {
  AddedToken token;
  ASSIGN_OR_RETURN(token.content, read_string(item, "content"));
  ASSIGN_OR_RETURN(token.id, read_integer(item, "id"));
  ASSIGN_OR_RETURN(token.single_word, read_bool(item, "single_word"));
  ASSIGN_OR_RETURN(token.lstrip, read_bool(item, "lstrip"));
  ASSIGN_OR_RETURN(token.rstrip, read_bool(item, "rstrip"));
  ASSIGN_OR_RETURN(token.normalized, read_bool(item, "normalized"));
  ASSIGN_OR_RETURN(token.special, read_bool(item, "special"));
  if (token.content.empty()) return item.fail("'content' is empty");
  return token;
}

// Written ids apart: what a tokenizer.json has comes first, and none twice.
Result<std::vector<AddedToken>> read_listed_tokens(const std::vector<JsonValue>& items,
                                                   const TokenizerOverrides& overrides) {
  std::vector<AddedToken> added;
  std::unordered_map<std::string, size_t> places;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(AddedToken token, read_added_token(item));
    if (!places.try_emplace(token.content, added.size()).second) {
      return corrupt(item, "'" + printable(token.content) + "' is added twice");
    }
    added.push_back(std::move(token));
  }
  for (const AddedToken& token : overrides.flagged_tokens) {
    const auto [place, is_new] = places.try_emplace(token.content, added.size());
    if (is_new) added.emplace_back();
    const int32_t id = added[place->second].id;
    added[place->second] = token;
    added[place->second].id = id;
  }
  for (const AddedToken& token : overrides.other_tokens) {
    if (places.try_emplace(token.content, added.size()).second) added.push_back(token);
  }
  return added;
}

}  // namespace

Result<BertNormalizerOptions> read_bert_options(const JsonValue& normalizer, const TokenizerOverrides& overrides) {
  BertNormalizerOptions options;
  ASSIGN_OR_RETURN(options.clean_text, read_bool(normalizer, "clean_text"));
  ASSIGN_OR_RETURN(options.handle_chinese_chars, read_bool(normalizer, "handle_chinese_chars"));
  ASSIGN_OR_RETURN(options.lowercase, read_bool(normalizer, "lowercase"));
  options.lowercase = overrides.lowercase.value_or(options.lowercase);
  options.handle_chinese_chars = overrides.handle_chinese_chars.value_or(options.handle_chinese_chars);
  // Unset, accents go with capitals: BERT's uncased models strip both.
  ASSIGN_OR_RETURN(const bool strips, normalizer.bool_or("strip_accents", options.lowercase));
  options.strip_accents = overrides.strip_accents.value_or(strips);
  return options;
}

JsonValue optional_part(const JsonValue& root, std::string_view key) {
  static const JsonDocument kNull = JsonDocument::parse("null", "a part that is left out").value();
  return root.find(key).value_or(kNull.root());
}

Result<void> check_version(const JsonValue& root) {
  if (!has_member(root, "version")) return {};
  ASSIGN_OR_RETURN(const std::string version, read_string(root, "version"));
  if (version == "1.0") return {};
  return error(StatusCode::kUnsupported,
               root.path() + ": version '" + printable(version) + "' is not supported; known: 1.0");
}

Result<WordPieceFile> read_wordpiece(const JsonValue& model) {
  WordPieceFile file;
  ASSIGN_OR_RETURN(const JsonValue vocab, model.get("vocab"));
  ASSIGN_OR_RETURN(file.tokens, read_vocabulary(vocab));
  ASSIGN_OR_RETURN(file.options.continuing_subword_prefix, read_string(model, "continuing_subword_prefix"));
  ASSIGN_OR_RETURN(const int32_t max_chars, read_integer(model, "max_input_chars_per_word"));
  file.options.max_input_chars_per_word = static_cast<size_t>(max_chars);
  ASSIGN_OR_RETURN(const std::string unk_token, read_string(model, "unk_token"));
  for (size_t id = 0; id < file.tokens.size(); ++id) {
    if (file.tokens[id] != unk_token) continue;
    file.options.unk_id = static_cast<int32_t>(id);
    return file;
  }
  return corrupt(model, "the unk_token '" + printable(unk_token) + "' is not in the vocabulary");
}

WordPiece make_wordpiece(const WordPieceFile& file) {
  std::vector<std::pair<std::string_view, int32_t>> keys;
  keys.reserve(file.tokens.size());
  for (size_t id = 0; id < file.tokens.size(); ++id) {
    if (!file.tokens[id].empty()) keys.emplace_back(file.tokens[id], static_cast<int32_t>(id));
  }
  return WordPiece(keys, file.options);
}

// The reference ignores the written ids: a token has its id in the vocabulary, a new one the next free id. A file that
// says otherwise would work differently here and there, so it is refused.
Result<std::vector<AddedToken>> read_added_tokens(const JsonValue& root, const TokenizerOverrides& overrides,
                                                  std::vector<std::string>* tokens) {
  std::vector<JsonValue> items;
  if (has_member(root, "added_tokens")) {
    ASSIGN_OR_RETURN(const JsonValue list, root.get("added_tokens"));
    ASSIGN_OR_RETURN(items, list.as_array());
  }
  ASSIGN_OR_RETURN(std::vector<AddedToken> added, read_listed_tokens(items, overrides));
  if (added.empty()) return added;
  std::unordered_map<std::string, std::optional<size_t>> ids;  // of the contents, once they are known
  for (const AddedToken& token : added) ids.try_emplace(token.content);
  for (size_t id = 0; id < tokens->size(); ++id) {
    if (const auto place = ids.find((*tokens)[id]); place != ids.end() && !place->second) place->second = id;
  }
  for (size_t i = 0; i < added.size(); ++i) {
    const std::string& content = added[i].content;
    const std::optional<size_t> known = ids[content];
    const size_t id = known.value_or(tokens->size());
    if (!known) tokens->push_back(content);
    if (i >= items.size()) {
      added[i].id = static_cast<int32_t>(id);
    } else if (static_cast<size_t>(added[i].id) != id) {
      return corrupt(items[i], "'" + printable(content) + "' says id " + std::to_string(added[i].id) +
                                   ", but its id is " + std::to_string(id) +
                                   (known ? "" : ", the next after the vocabulary"));
    }
  }
  return added;
}

}  // namespace vivace
