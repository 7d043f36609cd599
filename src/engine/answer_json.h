// Answers of heads as JSON, for the command line and the server alike: the members of one answer inside an object that
// the caller began.
#pragma once

#include <span>

#include "base/json_writer.h"
#include "engine/request.h"

namespace vivace {

// "labels":[{"label":"joy","score":0.9},…]
void write_labels(std::span<const LabelScore> labels, JsonWriter* json);
// The same of a text's only mask, "masks":[[…],…] of several.
void write_masks(const FilledText& text, JsonWriter* json);
// "label":"entailment","scores":{"entailment":0.9,…}
void write_entailment(const Entailment& entailment, JsonWriter* json);
// "words":[…],"spans":[…]
void write_words(const Tagging& tagging, JsonWriter* json);
// "tokens":[…],"offsets":[[0,3],…],"scores":[[…],…]
void write_token_scores(const Tagging& tagging, JsonWriter* json);

}  // namespace vivace
