#include "engine/answer_json.h"

#include <string>

namespace vivace {
namespace {

void write_label(const std::string& label, float score, JsonWriter* json) {
  json->begin_object().key("label").value(label).key("score").value(score).end_object();
}

void write_fills(std::span<const MaskFill> fills, JsonWriter* json) {
  json->begin_array();
  for (const MaskFill& fill : fills) write_label(fill.token, fill.score, json);
  json->end_array();
}

void write_place(int start, int end, const std::string& label, float score, JsonWriter* json) {
  json->key("start").value(start).key("end").value(end).key("label").value(label).key("score").value(score);
}

}  // namespace

void write_labels(std::span<const LabelScore> labels, JsonWriter* json) {
  json->key("labels").begin_array();
  for (const LabelScore& label : labels) write_label(label.label, label.score, json);
  json->end_array();
}

void write_masks(const FilledText& text, JsonWriter* json) {
  if (text.masks.size() == 1) {
    json->key("labels");
    write_fills(text.masks.front(), json);
    return;
  }
  json->key("masks").begin_array();
  for (const auto& fills : text.masks) write_fills(fills, json);
  json->end_array();
}

void write_entailment(const Entailment& entailment, JsonWriter* json) {
  json->key("label").value(entailment.label).key("scores").begin_object();
  for (const LabelScore& score : entailment.scores) json->key(score.label).value(score.score);
  json->end_object();
}

void write_words(const Tagging& tagging, JsonWriter* json) {
  json->key("words").begin_array();
  for (const TaggedWord& word : tagging.words) {
    json->begin_object().key("word").value(word.word);
    write_place(word.start, word.end, word.label, word.score, json);
    json->end_object();
  }
  json->end_array().key("spans").begin_array();
  for (const TaggedSpan& span : tagging.spans) {
    json->begin_object().key("text").value(span.text);
    write_place(span.start, span.end, span.label, span.score, json);
    json->end_object();
  }
  json->end_array();
}

void write_token_scores(const Tagging& tagging, JsonWriter* json) {
  json->key("tokens").begin_array();
  for (const TaggedToken& token : tagging.tokens) json->value(token.token);
  json->end_array().key("offsets").begin_array();
  for (const TaggedToken& token : tagging.tokens) {
    json->begin_array().value(token.start).value(token.end).end_array();
  }
  json->end_array().key("scores").begin_array();
  for (const TaggedToken& token : tagging.tokens) json->values(token.scores);
  json->end_array();
}

}  // namespace vivace
