// The components of a tokenizer.json's post_processor as plain structs, in the order in which they are applied.
#pragma once

#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "text/post_processor.h"

namespace vivace {

struct ProcessorStep {
  enum class Kind { kBert, kRoberta, kByteLevel, kTemplate };
  explicit ProcessorStep(Kind step_kind) : kind(step_kind) {}

  Kind kind;
  int32_t cls_id = 0;  // kBert, kRoberta
  int32_t sep_id = 0;
  bool trim_offsets = false;  // kRoberta, kByteLevel
  bool add_prefix_space = false;
  std::vector<TemplatePiece> single;  // kTemplate
  std::vector<TemplatePiece> pair;    // without a second text when the file gives none
};

// processor: the value of "post_processor", may be null.
Result<std::vector<ProcessorStep>> read_processor_steps(const JsonValue& processor);

}  // namespace vivace
