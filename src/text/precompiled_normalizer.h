// The Precompiled table (precompiled.h) applied to a text with its alignments.
#pragma once

#include "text/aligned_text.h"
#include "text/precompiled.h"

namespace vivace {

void normalize_precompiled(const Precompiled& table, AlignedText* text);

}  // namespace vivace
