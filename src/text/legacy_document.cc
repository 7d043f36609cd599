#include "text/legacy_document.h"

#include <algorithm>
#include <set>

#include "base/json_writer.h"

namespace vivace {

LegacyDocument::LegacyDocument(const std::vector<std::string>& tokens) {
  for (size_t id = 0; id < tokens.size(); ++id) m_ids.emplace(tokens[id], static_cast<int32_t>(id));
}

int32_t LegacyDocument::add(const std::string& token, bool lstrip) {
  const int32_t id = m_ids.try_emplace(token, static_cast<int32_t>(m_ids.size())).first->second;
  const bool is_known =
      std::any_of(m_added.begin(), m_added.end(), [&](const Added& added) { return added.content == token; });
  if (!is_known) m_added.push_back({.content = token, .id = id, .lstrip = lstrip});
  return id;
}

int32_t LegacyDocument::add_special(const std::string& token) {
  return add(token, false);
}

int32_t LegacyDocument::add_mask(const std::string& token) {
  return add(token, true);
}

std::string LegacyDocument::template_items(std::initializer_list<std::string_view> items, int second_type_id) const {
  JsonWriter json;
  json.begin_array();
  int type_id = 0;
  for (const std::string_view item : items) {
    if (item == "B") type_id = second_type_id;
    json.begin_object().key(item == "A" || item == "B" ? "Sequence" : "SpecialToken").begin_object();
    json.key("id").value(item).key("type_id").value(type_id).end_object().end_object();
  }
  return json.end_array().take();
}

std::string LegacyDocument::template_processing(const Template& parts) const {
  JsonWriter json;
  json.begin_object().key("type").value("TemplateProcessing");
  json.key("single").raw(template_items(parts.single, parts.second_type_id));
  json.key("pair").raw(template_items(parts.pair, parts.second_type_id));
  json.key("special_tokens").begin_object();
  std::set<std::string_view> names(parts.single);
  names.insert(parts.pair);
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
  std::vector<Added> by_id = m_added;
  std::sort(by_id.begin(), by_id.end(), [](const Added& a, const Added& b) { return a.id < b.id; });
  for (const Added& token : by_id) {
    json.begin_object().key("id").value(token.id).key("content").value(token.content).key("single_word").value(false);
    json.key("lstrip").value(token.lstrip).key("rstrip").value(false).key("normalized").value(false);
    json.key("special").value(true).end_object();
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
