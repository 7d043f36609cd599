#include "text/legacy_document.h"

#include <algorithm>
#include <set>

#include "base/json_writer.h"

namespace vivace {

LegacyDocument::LegacyDocument(const std::vector<std::string>& tokens, const TokenizerConfig& config)
    : m_config(config) {
  for (size_t id = 0; id < tokens.size(); ++id) m_ids.emplace(tokens[id], static_cast<int32_t>(id));
  for (const AddedToken& token : config.added_tokens) add(token);
  m_first_role = m_added.size();
}

void LegacyDocument::add(const AddedToken& token) {
  const int32_t id = m_ids.try_emplace(token.content, static_cast<int32_t>(m_ids.size())).first->second;
  const auto [place, is_new] = m_places.try_emplace(token.content, m_added.size());
  if (is_new) m_added.emplace_back();
  AddedToken& known = m_added[place->second];
  const bool special = known.special || token.special;
  if (is_new || !is_of_config(place->second)) known = token;
  known.id = id;
  known.special = special;
}

std::string LegacyDocument::add_role(std::string_view role, std::string_view fallback) {
  AddedToken token;
  token.content = fallback;
  const auto given = m_config.special_tokens.find(std::string(role));
  if (given != m_config.special_tokens.end()) token = given->second;
  if (token.content.empty()) return {};
  token.special = true;
  add(token);
  return token.content;
}

std::string LegacyDocument::add_mask(std::string_view fallback) {
  AddedToken token;
  token.content = fallback;
  const auto given = m_config.special_tokens.find("mask_token");
  if (given != m_config.special_tokens.end()) token = given->second;
  const bool has_flags = token.single_word || token.lstrip || token.rstrip || token.normalized;
  token.lstrip = token.lstrip || !has_flags;
  token.special = true;
  add(token);
  return token.content;
}

void LegacyDocument::add_extra_tokens() {
  for (const AddedToken& token : m_config.named_tokens) add(token);
  const auto& tokens = m_config.extra_tokens ? *m_config.extra_tokens : m_config.older_extra_tokens;
  for (const AddedToken& token : tokens) {
    const auto known = m_places.find(token.content);
    if (known == m_places.end() || !is_of_config(known->second)) add(token);
  }
}

std::string LegacyDocument::template_items(const std::vector<std::string_view>& items, const Template& parts) {
  JsonWriter json;
  json.begin_array();
  int type_id = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string_view item = items[i];
    if (item == "B" || (parts.second_begin > 0 && i == parts.second_begin)) type_id = parts.second_type_id;
    json.begin_object().key(item == "A" || item == "B" ? "Sequence" : "SpecialToken").begin_object();
    json.key("id").value(item).key("type_id").value(type_id).end_object().end_object();
  }
  return json.end_array().take();
}

std::string LegacyDocument::template_processing(const Template& parts) const {
  JsonWriter json;
  json.begin_object().key("type").value("TemplateProcessing");
  json.key("single").raw(template_items(parts.single, parts));
  json.key("pair").raw(template_items(parts.pair, parts));
  json.key("special_tokens").begin_object();
  std::set<std::string_view> names(parts.single.begin(), parts.single.end());
  names.insert(parts.pair.begin(), parts.pair.end());
  for (const std::string_view name : names) {
    if (name == "A" || name == "B") continue;
    json.key(name).begin_object().key("id").value(name);
    json.key("ids").begin_array().value(m_ids.at(std::string(name))).end_array();
    json.key("tokens").begin_array().value(name).end_array().end_object();
  }
  return json.end_object().end_object().take();
}

std::string LegacyDocument::roberta_processing(const std::string& sep, const std::string& cls, bool trim_offsets,
                                               bool add_prefix_space) const {
  JsonWriter json;
  json.begin_object().key("type").value("RobertaProcessing");
  json.key("sep").begin_array().value(sep).value(m_ids.at(sep)).end_array();
  json.key("cls").begin_array().value(cls).value(m_ids.at(cls)).end_array();
  json.key("trim_offsets").value(trim_offsets).key("add_prefix_space").value(add_prefix_space);
  return json.end_object().take();
}

std::string LegacyDocument::write(const Parts& parts) const {
  JsonWriter json;
  json.begin_object().key("version").value("1.0").key("truncation").null().key("padding").null();
  json.key("added_tokens").begin_array();
  std::vector<AddedToken> by_id = m_added;
  std::ranges::sort(by_id, {}, &AddedToken::id);
  for (const AddedToken& token : by_id) {
    json.begin_object().key("id").value(token.id).key("content").value(token.content);
    json.key("single_word").value(token.single_word).key("lstrip").value(token.lstrip);
    json.key("rstrip").value(token.rstrip).key("normalized").value(token.normalized);
    json.key("special").value(token.special).end_object();
  }
  json.end_array().key("normalizer").raw(parts.normalizer).key("pre_tokenizer").raw(parts.pre_tokenizer);
  json.key("post_processor").raw(parts.post_processor).key("decoder").raw(parts.decoder);
  return json.key("model").raw(parts.model).end_object().take();
}

std::string metaspace_json(std::string_view prepend_scheme) {
  JsonWriter json;
  json.begin_object().key("type").value("Metaspace").key("replacement").value("\u2581");
  return json.key("prepend_scheme").value(prepend_scheme).key("split").value(true).end_object().take();
}

std::string json_string(std::string_view text) {
  JsonWriter json;
  return json.value(text).take();
}

}  // namespace vivace
