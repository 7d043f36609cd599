#include "text/bpe.h"

#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"
#include "text/bpe_models.h"
#include "text/byte_alphabet.h"
#include "text/vocabulary_json.h"

namespace vivace {
namespace {

using Ids = std::unordered_map<std::string_view, int32_t>;

struct BpeFile {
  std::vector<std::string> tokens;
  std::vector<BpeMerge> merges;
  BpeOptions options;
  std::string missing_unk_token;  // the file's unk_token when the vocabulary lacks it
};

std::unexpected<Status> corrupt(const JsonValue& value, const std::string& message) {
  return error(StatusCode::kCorruptFile, value.path() + ": " + message);
}

std::unexpected<Status> unsupported(const JsonValue& value, const std::string& message) {
  return error(StatusCode::kUnsupported, value.path() + ": " + message);
}

using Parts = std::pair<std::string_view, std::string_view>;

Result<Parts> read_parts(const JsonValue& item) {
  if (item.is_array()) {
    ASSIGN_OR_RETURN(const std::vector<JsonValue> parts, item.as_array());
    if (parts.size() != 2) return corrupt(item, "a merge has two parts, this one " + std::to_string(parts.size()));
    ASSIGN_OR_RETURN(const std::string_view left, parts[0].as_string());
    ASSIGN_OR_RETURN(const std::string_view right, parts[1].as_string());
    return Parts(left, right);
  }
  ASSIGN_OR_RETURN(const std::string_view line, item.as_string());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    return corrupt(item, "a merge is two parts with one space between them, not '" + printable(line) + "'");
  }
  return Parts(line.substr(0, space), line.substr(space + 1));
}

Result<int32_t> find_part(const JsonValue& item, const Ids& ids, std::string_view token) {
  const auto place = ids.find(token);
  if (place != ids.end() && !token.empty()) return place->second;
  return corrupt(item, "the merge needs the token '" + printable(token) + "', which is not in the vocabulary");
}

Result<BpeMerge> read_merge(const JsonValue& item, const Ids& ids, std::string_view prefix) {
  ASSIGN_OR_RETURN(const Parts parts, read_parts(item));
  BpeMerge merge;
  ASSIGN_OR_RETURN(merge.left, find_part(item, ids, parts.first));
  ASSIGN_OR_RETURN(merge.right, find_part(item, ids, parts.second));
  if (parts.second.size() < prefix.size()) {
    return corrupt(item, "the merge's second part '" + printable(parts.second) +
                             "' is shorter than continuing_subword_prefix '" + printable(prefix) + "'");
  }
  std::string merged(parts.first);
  merged.append(parts.second.substr(prefix.size()));
  ASSIGN_OR_RETURN(merge.merged, find_part(item, ids, merged));
  return merge;
}

Result<std::vector<BpeMerge>> read_merges(const JsonValue& model, const Ids& ids, std::string_view prefix) {
  ASSIGN_OR_RETURN(const JsonValue list, model.get("merges"));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, list.as_array());
  std::vector<BpeMerge> merges;
  merges.reserve(items.size());
  for (const JsonValue& item : items) {
    if (item.is_array() != items.front().is_array()) return item.fail("merges are all written one way or the other");
    if (item.is_string() && item.as_string()->starts_with("#version")) continue;
    ASSIGN_OR_RETURN(merges.emplace_back(), read_merge(item, ids, prefix));
  }
  return merges;
}

Result<BpeOptions> read_options(const JsonValue& model) {
  BpeOptions options;
  ASSIGN_OR_RETURN(const double dropout, model.double_or("dropout", 0));
  if (dropout != 0) return unsupported(model, "dropout makes tokens random, which only training wants; set it to null");
  ASSIGN_OR_RETURN(options.fuse_unk, model.bool_or("fuse_unk", false));
  ASSIGN_OR_RETURN(options.byte_fallback, model.bool_or("byte_fallback", false));
  ASSIGN_OR_RETURN(options.ignore_merges, model.bool_or("ignore_merges", false));
  ASSIGN_OR_RETURN(options.continuing_subword_prefix, model.string_or("continuing_subword_prefix", ""));
  ASSIGN_OR_RETURN(options.end_of_word_suffix, model.string_or("end_of_word_suffix", ""));
  const bool has_affix = !options.continuing_subword_prefix.empty() || !options.end_of_word_suffix.empty();
  if (options.byte_fallback && has_affix) {
    return unsupported(model, "byte_fallback with continuing_subword_prefix or end_of_word_suffix is not supported");
  }
  return options;
}

Result<BpeFile> read_file(const JsonValue& model) {
  BpeFile file;
  ASSIGN_OR_RETURN(file.options, read_options(model));
  ASSIGN_OR_RETURN(const JsonValue vocab, model.get("vocab"));
  ASSIGN_OR_RETURN(file.tokens, read_vocabulary(vocab));
  Ids ids;
  ids.reserve(file.tokens.size());
  for (size_t id = 0; id < file.tokens.size(); ++id) ids.emplace(file.tokens[id], static_cast<int32_t>(id));
  ASSIGN_OR_RETURN(file.merges, read_merges(model, ids, file.options.continuing_subword_prefix));
  const std::optional<JsonValue> unk_value = model.find("unk_token");
  if (!unk_value) return file;
  ASSIGN_OR_RETURN(const std::string_view unk_token, unk_value->as_string());
  const auto unk = ids.find(unk_token);
  if (unk != ids.end()) {
    file.options.unk_id = unk->second;
  } else {
    file.missing_unk_token = "'" + printable(unk_token) + "'";
  }
  return file;
}

std::unexpected<Status> missing_unk_token(const JsonValue& model, const BpeFile& file) {
  return corrupt(model, "the unk_token " + file.missing_unk_token + " is not in the vocabulary");
}

bool spells_every_byte(const std::vector<std::string>& tokens) {
  size_t count = 0;
  for (const std::string& token : tokens) {
    const std::optional<std::string> bytes = token.size() <= 2 ? characters_to_bytes(token) : std::nullopt;
    count += bytes && bytes->size() == 1;
  }
  return count == 256;
}

}  // namespace

Result<std::unique_ptr<const TokenModel>> read_bpe(const JsonValue& model, std::vector<std::string>* tokens) {
  ASSIGN_OR_RETURN(BpeFile file, read_file(model));
  if (!file.missing_unk_token.empty()) return missing_unk_token(model, file);
  *tokens = std::move(file.tokens);
  return std::make_unique<const CharacterBpe>(*tokens, BpeMerges(file.merges), std::move(file.options));
}

Result<std::unique_ptr<const TokenModel>> read_byte_level_bpe(const JsonValue& model,
                                                              std::vector<std::string>* tokens) {
  ASSIGN_OR_RETURN(BpeFile file, read_file(model));
  const BpeOptions& options = file.options;
  if (options.byte_fallback || !options.continuing_subword_prefix.empty() || !options.end_of_word_suffix.empty()) {
    return unsupported(model,
                       "byte_fallback, continuing_subword_prefix and end_of_word_suffix are not supported together "
                       "with byte-level pieces");
  }
  // Many files name an unk_token that they lack, and never need it.
  if (!file.missing_unk_token.empty() && !spells_every_byte(file.tokens)) return missing_unk_token(model, file);
  *tokens = std::move(file.tokens);
  return std::make_unique<const ByteLevelBpe>(*tokens, BpeMerges(file.merges), std::move(file.options));
}

}  // namespace vivace
