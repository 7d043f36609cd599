// Earlier answers in the place of those that a model cannot give now. Pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/completion/completion_cache.h"
#include "apps/completion/completion_request.h"
#include "engine/generator.h"

namespace vivace {

// What an earlier answer must have in common with the one that is asked for: not the strategy, not how much was to be
// written. stop: of the request, or none for answers that no stop string ended.
CompletionKey fallback_key(const CompletionRequest& request, const std::string& model,
                           std::span<const std::string> stop);

// How much of the text is certain after each of its tokens, of the last one all. stop: what it was written with.
std::vector<uint32_t> text_ends_of(const GeneratedText& written, const Tokenizer& tokenizer,
                                   std::span<const std::string> stop);

// Leaves of an earlier answer what the request would have got of it: so many tokens, and nothing from a stop string on.
void cut_to(const GenerateRequest& request, CachedCompletion* answer);

}  // namespace vivace
