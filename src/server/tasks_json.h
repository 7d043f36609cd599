// What POST /v1/classify, /v1/tag and /v1/entail take and answer as JSON.
//
// One input stands in the body itself ("text", "text_pair"; "premise", "hypothesis"), several in its list "inputs", as
// objects with those fields or, where there is one text, as texts. Fields that we do not know are ignored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "engine/request.h"
#include "server/json_fields.h"

namespace vivace {

// By the names that requests use. kInvalidArgument, blamed on the field, for others.
ApiResult<ScoreActivation> parse_activation(std::string_view name);
ApiResult<Aggregation> parse_aggregation(std::string_view name);

struct ClassifyTask {
  std::string model;  // empty: the one that suits
  ClassifyRequest request;
  // Of the caller's own, scored by a model that knows entailment; empty: the model's.
  std::vector<std::string> labels;
  std::string hypothesis_template;
  bool multi_label = false;
};
ApiResult<ClassifyTask> parse_classify_request(std::string_view body, const TextLimits& limits);
// kInvalidArgument for what only a classifier's own labels can do.
ApiResult<ZeroShotRequest> zero_shot_request(ClassifyTask task);
ApiResult<FillMaskRequest> fill_mask_request(ClassifyTask task);

struct TagTask {
  std::string model;
  TagRequest request;
};
ApiResult<TagTask> parse_tag_request(std::string_view body, const TextLimits& limits);

struct EntailTask {
  std::string model;
  EntailRequest request;
};
ApiResult<EntailTask> parse_entail_request(std::string_view body, const TextLimits& limits);

// {"model":…,"results":[{"index":0,…,"truncated":false},…]}; write_members(result, json) writes an answer's own
// members.
template <typename Results, typename WriteMembers>
std::string write_results(std::string_view model, const Results& results, WriteMembers write_members) {
  JsonWriter json;
  json.begin_object().key("model").value(model).key("results").begin_array();
  uint64_t index = 0;
  for (const auto& result : results) {
    json.begin_object().key("index").value(index++);
    write_members(result, &json);
    json.key("truncated").value(result.truncated).end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace vivace
