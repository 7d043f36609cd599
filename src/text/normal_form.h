// Unicode normalisation forms, of the version and with the alignments of the package.
//
// Reading: Unicode Standard Annex #15.
#pragma once

#include "text/aligned_text.h"

namespace vivace {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

void normalize(NormalForm form, AlignedText* text);

}  // namespace vivace
