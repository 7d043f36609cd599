// One address to one file: resumed where an earlier attempt stopped, checked, then renamed into place.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "cli/http_client.h"

namespace vivace {

struct Download {
  std::string url;
  std::string token;
  std::string path;   // what arrives is kept in path + ".part" until it is complete and checked
  std::string label;  // for the progress line and messages
  uint64_t max_bytes = 0;
};

// The answer's head; the file stands at path when its status is 200 or 206. A connection that breaks off after some
// bytes is tried again a few times. kCorruptFile, with nothing kept, when the checksum differs.
Result<HttpHead> download_to_file(const Download& download);

}  // namespace vivace
