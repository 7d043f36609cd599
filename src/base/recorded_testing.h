// Recorded cases for tests: a file of JSON objects, one a line.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"

namespace vivace {

// path: from the repository's root. Fails the test, and gives no cases, when the file is missing or wrong.
inline std::vector<JsonDocument> read_recorded(const std::string& path) {
  std::ifstream file(std::string(VIVACE_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  std::vector<JsonDocument> cases;
  for (std::string line; std::getline(file, line);) {
    auto document = JsonDocument::parse(line, path + ": line " + std::to_string(cases.size() + 1));
    if (!document) {
      ADD_FAILURE() << document.error().message;
      return {};
    }
    cases.push_back(std::move(*document));
  }
  return cases;
}

}  // namespace vivace
