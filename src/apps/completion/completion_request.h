// What is asked of a CompletionService and what it answers: plain structs, no JSON.
#pragma once

#include <memory>
#include <string>

#include "apps/completion/prompt.h"
#include "engine/generate_request.h"

namespace vivace {

struct CompletionRequest {
  std::string code;      // left of the cursor; non-empty valid UTF-8
  std::string suffix;    // right of the cursor; needs a model that knows where text is left out
  std::string language;  // of the code, where the caller knows it: "python", …
  PromptStrategy strategy = PromptStrategy::kTaskPrefix;
  std::string model;  // empty: chosen by the code's complexity and the memory
  // What is asked of the model: options, stop, deadline, cancel, on_text. Its text is made from the code.
  GenerateRequest generate;
};

enum class CompletionOrigin : uint8_t {
  kModel,
  kCache,        // the same was asked before
  kCachePrefix,  // what was typed since is the beginning of an earlier answer, this is the rest
  kFallback,     // the model cannot answer now: an earlier answer for this code, asked for in another way
};
std::string_view completion_origin_name(CompletionOrigin origin);  // "model", "cache", "cache_prefix", "fallback"

struct Completion {
  GenerateResponse written;  // of a cached answer: its text and tokens, no times
  CompletionOrigin origin = CompletionOrigin::kModel;
  std::string model;  // that answered
  double complexity = 0;
  std::string reason;     // why this model
  std::string degraded;   // kFallback: why the model did not answer; else empty
  std::string language;   // the caller's, or what the code looks like
  bool code_cut = false;  // the code was longer than the model reads: its beginning was left out
  // Keeps the model loaded. Must not be the last owner on a thread of the model: pass it on before it is destroyed.
  std::shared_ptr<const void> keep;
};

}  // namespace vivace
