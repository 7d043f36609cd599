// Asks an engine for what its model was made for, whatever that is: for those who measure.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"

namespace vivace {

// Vectors, labels, tags or fills of the texts; a masked language model finds its mask behind each. The request's
// errors.
Result<ResponseTimes> answer_texts(Engine& engine, const std::vector<std::string>& texts);

}  // namespace vivace
