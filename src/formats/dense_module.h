// Reading the folder of a Dense module of sentence-transformers.
#pragma once

#include <string>

#include "base/status.h"
#include "formats/model_directory.h"

namespace vivace {

// Reads folder/config.json. kUnsupported, naming the key, for residuals and for inputs or outputs other than the
// sentence's vector.
Result<DenseModule> read_dense_module(const std::string& folder);

}  // namespace vivace
